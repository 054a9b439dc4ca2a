/**
 * What the sandbox has been told to do wrong, and how often still. Owns the reading of `POST /_sandbox/faults` and
 * the counting; the courier and the server do the harm.
 */
import { type Checked, checked, invalid } from './api-error.ts';

/** What goes wrong with one delivery of a webhook. */
export interface DeliveryFault {
  readonly delayMs: number;
  /** Extra copies, sent at the same moment. */
  readonly duplicate: number;
  /** Never sent, nor tried again: only asking the API reveals what happened. */
  readonly drop: boolean;
  /** Held back until the next delivery has been made. */
  readonly reorder: boolean;
  readonly badSignature: boolean;
}

export interface Faults {
  /** Replaces whatever was set; `{}` clears. */
  set(body: unknown): Checked<object>;
  /** The setting with what is left of it. */
  current(): object;
  /** Takes the fault of the next delivery. */
  nextDelivery(): DeliveryFault;
  /** Whether the answer of this API call gets lost after its work was done. */
  losesAnswer(): boolean;
}

const none: DeliveryFault = { delayMs: 0, duplicate: 0, drop: false, reorder: false, badSignature: false };

export function createFaults(): Faults {
  let delivery = none;
  let deliveriesLeft = 0;
  let answersLeft = 0;
  return {
    set(body) {
      const read = readSetting(body);
      if (!read.ok) return read;
      const { timeout, forNext, ...wanted } = read.value;
      delivery = wanted;
      deliveriesLeft = Object.values(wanted).some(Boolean) ? forNext : 0;
      answersLeft = timeout ? forNext : 0;
      return checked(this.current());
    },
    current: () => ({
      delay_ms: delivery.delayMs,
      duplicate: delivery.duplicate,
      drop: delivery.drop,
      reorder: delivery.reorder,
      bad_signature: delivery.badSignature,
      deliveries_left: finiteOrNull(deliveriesLeft),
      timeouts_left: finiteOrNull(answersLeft),
    }),
    nextDelivery() {
      if (deliveriesLeft === 0) return none;
      deliveriesLeft--;
      return delivery;
    },
    losesAnswer() {
      if (answersLeft === 0) return false;
      answersLeft--;
      return true;
    },
  };
}

type Setting = DeliveryFault & { readonly timeout: boolean; readonly forNext: number };

const names = ['delay_ms', 'duplicate', 'drop', 'reorder', 'bad_signature', 'timeout', 'for_next'];

function readSetting(body: unknown): Checked<Setting> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return invalid('body', 'A JSON object, please.');
  const wanted = body as Record<string, unknown>;
  for (const name of Object.keys(wanted)) {
    if (!names.includes(name)) return invalid(name, `No such fault: ${name}. There are ${names.join(', ')}.`);
  }
  for (const name of ['drop', 'reorder', 'bad_signature', 'timeout']) {
    if (!['boolean', 'undefined'].includes(typeof wanted[name])) return invalid(name, `${name} is true or false.`);
  }
  const { delay_ms: delayMs = 0, duplicate = 0, for_next: forNext = 1 } = wanted;
  if (!isCount(delayMs, 86_400_000)) return invalid('delay_ms', 'delay_ms is a whole number of milliseconds.');
  if (!isCount(duplicate, 100)) return invalid('duplicate', 'duplicate is the number of extra copies, up to 100.');
  if (forNext !== null && (!isCount(forNext, Number.MAX_SAFE_INTEGER) || forNext === 0)) {
    return invalid('for_next', 'for_next is a number of deliveries or calls; null means until cleared.');
  }
  return checked({
    delayMs,
    duplicate,
    drop: wanted.drop === true,
    reorder: wanted.reorder === true,
    badSignature: wanted.bad_signature === true,
    timeout: wanted.timeout === true,
    forNext: forNext ?? Number.POSITIVE_INFINITY,
  });
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}

function finiteOrNull(count: number): number | null {
  return Number.isFinite(count) ? count : null;
}
