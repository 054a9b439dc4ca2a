/**
 * From a request to a reply: authorization, idempotency, and that a reply leaves only after its change is in the
 * ledger. Owns no endpoint (endpoints.ts) and no HTTP (server.ts).
 *
 * Idempotency follows API v1 (https://docs.stripe.com/api/idempotent_requests): the answer of a key is stored once
 * execution began, refusals and declines included; a request that fails validation is not. Two requests of one key
 * cannot overlap here, since execution never waits, so Stripe's 409 does not occur.
 */
import { createHash, randomUUID } from 'node:crypto';
import { admitClient, type Caller, isMerchant, unauthorized } from './access.ts';
import { type ApiError, type Checked, checked } from './api-error.ts';
import type { SandboxClock } from './clock.ts';
import { type Asked, type Endpoint, endpoints, type Step } from './endpoints.ts';
import { wantsCharge } from './form.ts';
import { answerChallenge, type Mint, type PaymentIntent, type Transition } from './intents.ts';
import type { Announcement, Ledger, StoredAnswer } from './ledger.ts';
import { errorObject, intentObject, refundObject, type View } from './objects.ts';

interface ApiCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** A POST's body or a GET's query, form-encoded. */
  readonly parameters: string;
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
}

interface ApiReply {
  readonly status: number;
  readonly body: object;
  /** The answer of an earlier request with the same key. */
  readonly replayed: boolean;
}

export interface Api {
  answer(call: ApiCall): ApiReply;
  /** The buyer's answer on the 3-D Secure page of an intent that waits for one. Answers the intent after it. */
  settleChallenge(intent: PaymentIntent, approved: boolean): PaymentIntent;
}

export interface ApiOptions {
  readonly ledger: Ledger;
  readonly clock: SandboxClock;
  readonly secretKey: string;
  readonly announce: (announcement: Announcement) => void;
  /** Where this server answers; known once it listens. */
  readonly baseUrl: () => string;
}

export function createApi(options: ApiOptions): Api {
  const { ledger, clock, secretKey } = options;

  function commit(step: Transition, answer: StoredAnswer | null, { nowMs, id }: Mint): void {
    const event = step.announces === null ? null : { id: id('evt'), type: step.announces, createdMs: nowMs };
    const announcement = ledger.commit({ intent: step.intent, event, answer });
    if (announcement !== null) options.announce(announcement);
  }

  /** Replays what the key was answered, or decides, writes down and answers. */
  function execute(call: ApiCall, view: View, decide: (mint: Mint) => Checked<Step>): ApiReply {
    const mint = mintAt(clock.nowMs());
    const { idempotencyKey: key } = call;
    if (key !== undefined && (key === '' || key.length > 255)) return refuse(badKey);
    const fingerprint = key === undefined ? '' : fingerprintOf(call);
    const earlier = key === undefined ? undefined : ledger.answer(key, mint.nowMs);
    if (earlier !== undefined) {
      if (earlier.stored.fingerprint !== fingerprint) return refuse(keyReused(earlier.stored.key));
      return { ...show(earlier.intent, earlier.stored, view), replayed: true };
    }
    const step = decide(mint);
    if (!step.ok) return refuse(step.error);
    const { intent, refusal, refundId } = step.value;
    commit(step.value, key === undefined ? null : { key, fingerprint, atMs: mint.nowMs, refusal, refundId }, mint);
    return show(intent, { refusal, refundId }, view);
  }

  function callerOf(call: ApiCall, endpoint: Endpoint, { id, form }: Asked): Checked<Caller> {
    if (isMerchant(call.authorization, secretKey)) return checked('merchant');
    if (!endpoint.fromBrowser) return { ok: false, error: unauthorized };
    return admitClient(form.get('client_secret'), id, ledger.intent(id));
  }

  return {
    answer(call) {
      const endpoint = endpoints.find(({ method, path }) => method === call.method && path.test(call.path));
      if (endpoint === undefined) return refuse(unknownUrl(call));
      const asked = { id: endpoint.path.exec(call.path)?.[1] ?? '', form: new URLSearchParams(call.parameters) };
      const caller = callerOf(call, endpoint, asked);
      if (!caller.ok) return refuse(caller.error);
      const view = {
        asClient: caller.value === 'client',
        expandCharge: wantsCharge(asked.form),
        baseUrl: options.baseUrl(),
      };
      if (endpoint.method === 'POST') return execute(call, view, (mint) => endpoint.command(asked, ledger, mint));
      const found = endpoint.query(asked, ledger, view);
      return found.ok ? { status: 200, body: found.value, replayed: false } : refuse(found.error);
    },
    settleChallenge(intent, approved) {
      const mint = mintAt(clock.nowMs());
      const step = answerChallenge(intent, approved, mint);
      commit(step, null, mint);
      return step.intent;
    },
  };
}

function mintAt(nowMs: number): Mint {
  // A UUID because Node mints those from a pool of random bytes, ten times as fast as asking for some each time.
  return { nowMs, id: (prefix) => `${prefix}_${randomUUID().replaceAll('-', '')}` };
}

function fingerprintOf({ method, path, parameters }: ApiCall): string {
  return createHash('sha256').update(`${method} ${path}\n${parameters}`).digest('base64url');
}

function show(intent: PaymentIntent, answer: Pick<StoredAnswer, 'refusal' | 'refundId'>, view: View): ApiReply {
  const { refusal, refundId } = answer;
  if (refusal !== null) {
    return { status: refusal.status, body: errorObject(refusal, intentObject(intent, view)), replayed: false };
  }
  const body = refundId === null ? intentObject(intent, view) : refundObject(refundId, intent);
  return { status: 200, body, replayed: false };
}

function refuse(error: ApiError): ApiReply {
  return { status: error.status, body: errorObject(error, null), replayed: false };
}

const badKey: ApiError = {
  status: 400,
  type: 'invalid_request_error',
  message: 'Idempotency keys are 1 to 255 characters long.',
};

function keyReused(key: string): ApiError {
  return {
    status: 400,
    type: 'idempotency_error',
    message:
      'Keys for idempotent requests can only be used with the same parameters they were first used with. ' +
      `Try using a key other than '${key}' if you meant to execute a different request.`,
  };
}

function unknownUrl({ method, path }: ApiCall): ApiError {
  return { status: 404, type: 'invalid_request_error', message: `Unrecognized request URL (${method}: ${path}).` };
}
