/** Which page is shown at which address. http/pages.ts answers the same addresses with the document. */
import type { ComponentChild } from 'preact';
import { BookingPage } from './booking/booking-page.tsx';
import { BookingsPage } from './booking/bookings-page.tsx';
import { EventPage } from './event/event-page.tsx';
import { EventsPage } from './event/events-page.tsx';
import { spoken } from './language/language.ts';
import { useObserved } from './observed.ts';
import { LoggedIn } from './page/logged-in.tsx';
import { NotFoundPage } from './page/page.tsx';
import { Shell } from './page/shell.tsx';
import { address } from './router.ts';
import { LoginPage, RegisterPage } from './session/account-pages.tsx';
import { TicketsPage } from './ticket/tickets-page.tsx';
import { WaitingRoomPage } from './waiting-room/waiting-room-page.tsx';

type Show = (name: string) => ComponentChild;

/** Each with the part of the address that names what it shows. A person's pages are shown only to one. */
const pages: readonly (readonly [path: RegExp, show: Show])[] = [
  [/^\/$/, () => <EventsPage />],
  [/^\/events\/([^/]+)$/, (slug) => <EventPage key={slug} slug={slug} />],
  [
    /^\/events\/([^/]+)\/waiting-room$/,
    (slug) => (
      <LoggedIn>
        <WaitingRoomPage key={slug} slug={slug} />
      </LoggedIn>
    ),
  ],
  [
    /^\/bookings$/,
    () => (
      <LoggedIn>
        <BookingsPage />
      </LoggedIn>
    ),
  ],
  [
    /^\/bookings\/([^/]+)$/,
    (id) => (
      <LoggedIn>
        <BookingPage key={id} id={id} />
      </LoggedIn>
    ),
  ],
  [
    /^\/tickets$/,
    () => (
      <LoggedIn>
        <TicketsPage />
      </LoggedIn>
    ),
  ],
  [/^\/login$/, () => <LoginPage />],
  [/^\/register$/, () => <RegisterPage />],
];

export function App() {
  const { path } = useObserved(address);
  // Every text of every page follows the language.
  useObserved(spoken);
  return <Shell>{pageAt(path)}</Shell>;
}

function pageAt(path: string): ComponentChild {
  for (const [pattern, show] of pages) {
    const [whole, name = ''] = pattern.exec(path) ?? [];
    const meant = decoded(name);
    if (whole !== undefined && meant !== null) return show(meant);
  }
  return <NotFoundPage />;
}

/** Null when it is no proper encoding: somebody mistyped the address. */
function decoded(name: string): string | null {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}
