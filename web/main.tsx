/** The beginning: speak, then show. */
import { render } from 'preact';
import { App } from './app.tsx';
import { beginToSpeak } from './language/language.ts';
import { followLinks } from './router.ts';
import { followOtherTabs } from './session/session.ts';

const place = document.getElementById('shop');
if (place === null) throw new Error('the document has no place for the shop');

followLinks();
followOtherTabs();
// Not awaited at the top: a language's file waits for this module to end.
beginToSpeak().then(
  () => render(<App />, place),
  (error: unknown) => {
    // English is here already.
    render(<App />, place);
    throw error;
  },
);
