/** Which address is shown, and how to go to another without loading the document again. */
import { observed } from './observed.ts';

export interface Address {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The address that is shown. */
export const address = observed(read());
/** False until the person went somewhere: the first page must not take the focus away from the browser. */
export const hasMoved = observed(false);

function read(): Address {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Shows another address of ours. `replace`: the present one is not worth going back to. */
export function go(to: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  hasMoved.set(true);
  scrollTo(0, 0);
  address.set(read());
}

/** Takes the query off the address that is shown, without showing anything else. */
export function dropQuery(): void {
  history.replaceState(null, '', location.pathname);
}

/** A link to log in that comes back to where it stands. */
export function loginAddress(): string {
  return `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** Where to go after logging in: an address of ours, whatever the query claims. */
export function nextAddress(query: URLSearchParams): string {
  const next = query.get('next') ?? '/';
  const there = new URL(next, location.origin);
  return there.origin === location.origin && next.startsWith('/') ? there.pathname + there.search : '/';
}

/** Lets clicks on links of ours go without a load; those with a modifier or a target stay the browser's. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    hasMoved.set(true);
    address.set(read());
  });
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.origin !== location.origin || link.hash !== '') return;
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
