/** Pages of a person: whoever is not logged in does so first and comes back. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useObserved } from '../observed.ts';
import { go, loginAddress } from '../router.ts';
import { account } from '../session/session.ts';
import { Loading } from './page.tsx';

export function LoggedIn({ children }: { readonly children: ComponentChildren }) {
  const person = useObserved(account);
  useEffect(() => {
    if (person === null) go(loginAddress(), { replace: true });
  }, [person]);
  return person === null ? <Loading /> : children;
}
