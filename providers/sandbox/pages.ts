/**
 * The three pages a person sees: the front page, the 3-D Secure challenge, and its outcome. Plain HTML without
 * scripts; every value that came from outside is escaped here.
 */
import { testCards } from './cards.ts';
import { type Challenge, capturedCharge, type PaymentIntent } from './intents.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1a1f36}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e3e8ee}
code,pre{background:#f6f9fc;padding:.1rem .3rem;border-radius:4px}pre{padding:.8rem;overflow-x:auto}
button{font:inherit;padding:.6rem 1.4rem;margin-right:.6rem;border:0;border-radius:6px;cursor:pointer}
.yes{background:#0a7d33;color:#fff}.no{background:#e3e8ee}`;

/** @param recent newest first */
export function frontPage(recent: readonly PaymentIntent[], faults: object, baseUrl: string): string {
  const cards = [...testCards].map(([number, { story }]) => row([`<code>${number}</code>`, story]));
  const payments = recent.map((intent) => row([escapeHtml(intent.id), money(intent), paidWith(intent), intent.status]));
  return page(
    'Onsale payment sandbox',
    `<p>Speaks the part of Stripe's API that Onsale uses. No money moves here.</p>
<h2>Test cards</h2><table><tr><th>number<th>what happens</tr>${cards.join('')}</table>
<h2>Latest payments</h2><table><tr><th>intent<th>amount<th>card<th>status</tr>${payments.join('')}</table>
<p>All that was really captured and refunded: <a href="/_sandbox/charges">/_sandbox/charges</a></p>
<h2>Make it misbehave</h2><p>Now: <code>${escapeHtml(JSON.stringify(faults))}</code></p>
<pre>curl ${escapeHtml(baseUrl)}/_sandbox/faults -H 'content-type: application/json' -d '{"duplicate":2,"for_next":5}'</pre>
<p><code>delay_ms</code>, <code>duplicate</code>, <code>drop</code>, <code>reorder</code> and <code>bad_signature</code>
harm the next <code>for_next</code> webhook deliveries (default 1, null until cleared); <code>timeout</code> loses the
answers of that many POSTs after their work was done; <code>{}</code> clears.</p>`,
  );
}

export function challengePage(intent: PaymentIntent, challenge: Challenge): string {
  return page(
    '3-D Secure',
    `<p>Your bank asks: do you want to pay <strong>${money(intent)}</strong>
with ${challenge.card.brand} •••• ${challenge.card.last4}?</p>
<form method="post"><button class="yes" name="decision" value="approve">Approve</button>
<button class="no" name="decision" value="refuse">Refuse</button></form>`,
  );
}

export function outcomePage(intent: PaymentIntent | null): string {
  if (intent === null) return page('3-D Secure', '<p>This page no longer waits for an answer.</p>');
  if (intent.status === 'succeeded') return page('Paid', `<p>${money(intent)} paid. You may close this page.</p>`);
  return page('Not paid', `<p>${escapeHtml(intent.lastError?.message ?? 'Not paid.')} You may try another card.</p>`);
}

function paidWith(intent: PaymentIntent): string {
  const card = capturedCharge(intent)?.card ?? intent.charges.at(-1)?.card;
  return card === undefined ? '' : `${card.brand} •••• ${card.last4}`;
}

/** Digits of the minor unit differ by currency; the platform knows them. */
function money({ amount, currency }: PaymentIntent): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  return escapeHtml(format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2)));
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}`).join('')}</tr>`;
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${style}</style><h1>${title}</h1>${body}</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
