/** What surrounds every page: where one can go, who one is, the language, and the line that says why one waits. */
import type { ComponentChildren } from 'preact';
import { type Trouble, trouble } from '../api/patience.ts';
import { chooseLanguage, type LanguageCode, languages, spoken } from '../language/language.ts';
import { say } from '../language/words.ts';
import { useObserved } from '../observed.ts';
import { address, go } from '../router.ts';
import { account, logOut } from '../session/session.ts';

export function Shell({ children }: { readonly children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#content">
        {say('shop.skip')}
      </a>
      <Header />
      <TroubleLine />
      {children}
      <Footer />
    </>
  );
}

function Header() {
  const person = useObserved(account);
  const { path } = useObserved(address);
  const current = (to: string) => (path === to ? { 'aria-current': 'page' as const } : {});
  return (
    <header class="header">
      <nav class="header-row" aria-label={say('shop.menu')}>
        <a class={`brand${person === null ? '' : ' brand-beside-links'}`} href="/" {...current('/')}>
          <Mark />
          <span>{say('shop.name')}</span>
        </a>
        <span class="header-links">
          {person === null ? (
            path !== '/login' && (
              <a class="button button-small" href="/login">
                {say('shop.logIn')}
              </a>
            )
          ) : (
            <>
              <a href="/bookings" {...current('/bookings')}>
                {say('shop.bookings')}
              </a>
              <a href="/tickets" {...current('/tickets')}>
                {say('shop.tickets')}
              </a>
              <button type="button" class="button-plain" onClick={leave}>
                {say('shop.logOut')}
              </button>
            </>
          )}
        </span>
      </nav>
    </header>
  );
}

function leave(): void {
  go('/');
  logOut().catch(() => {}); // this browser has forgotten the session either way
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M4 7h24a2 2 0 0 1 2 2v4a3 3 0 0 0 0 6v4a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-4a3 3 0 0 0 0-6V9a2 2 0 0 1 2-2z" />
      <circle cx="16" cy="16" r="4.5" />
    </svg>
  );
}

function TroubleLine() {
  const why = useObserved(trouble);
  return (
    <div class="trouble" role="status">
      {why !== null && <p>{troubleWords(why)}</p>}
    </div>
  );
}

function troubleWords({ kind, againInSeconds }: Trouble): string {
  return kind === 'offline' ? say('trouble.offline') : say(`trouble.${kind}`, { count: againInSeconds });
}

function Footer() {
  const { code } = spoken.get();
  return (
    <footer class="footer">
      <div class="footer-row">
        <p>{say('shop.promise')}</p>
        <p class="footer-tools">
          <label>
            <span class="visually-hidden">{say('shop.language')}</span>
            <select value={code} onChange={(event) => void chooseLanguage(event.currentTarget.value as LanguageCode)}>
              {Object.entries(languages).map(([each, { name }]) => (
                <option key={each} value={each} lang={each}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <a href="/api/docs">{say('shop.api')}</a>
        </p>
      </div>
    </footer>
  );
}
