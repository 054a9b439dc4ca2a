/** The one page of the play gateways, where a buyer approves or refuses. Plain HTML without scripts. */
import type { Order } from './orders.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color:#1a1f36}
button{font:inherit;padding:.6rem 1.4rem;margin-right:.6rem;border:0;border-radius:6px;cursor:pointer}
.yes{background:#0a7d33;color:#fff}.no{background:#e3e8ee}`;

const titles = { vnpay: 'VNPay (play)', zalopay: 'ZaloPay (play)', payos: 'PayOS (play)' };

/** @param decisionUrl where the buttons lead */
export function orderPage(order: Order, decisionUrl: string, nowMs: number): string {
  const amount = new Intl.NumberFormat('en', { style: 'currency', currency: 'VND', currencyDisplay: 'code' });
  const asked = `<p>Order <code>${escapeHtml(order.id)}</code>: <strong>${amount.format(order.amount)}</strong></p>`;
  if (order.status !== 'open') return page(titles[order.gateway], `${asked}<p>This order is ${order.status}.</p>`);
  if (nowMs > order.endMs) return page(titles[order.gateway], `${asked}<p>This order has expired.</p>`);
  return page(
    titles[order.gateway],
    `${asked}<form method="post" action="${escapeHtml(decisionUrl)}">
<button class="yes" name="decision" value="approve">Pay</button>
<button class="no" name="decision" value="refuse">Refuse</button></form><p>No money moves here.</p>`,
  );
}

export function problemPage(problem: string): string {
  return page('Not payable', `<p>${escapeHtml(problem)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${style}</style><h1>${title}</h1>${body}</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
