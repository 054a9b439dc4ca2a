/** What all exchanges of a server share. server.ts makes it. */
import type { AnswerHeads } from './answer-head.ts';
import type { Deps } from './deps.ts';
import type { Exchange } from './exchange.ts';
import type { Intake } from './intake.ts';
import type { HeaderSource, RequestHead } from './request-head.ts';
import type { Route } from './route.ts';
import type { UnderWay } from './under-way.ts';

export interface Edge {
  readonly deps: Deps;
  readonly heads: AnswerHeads;
  readonly readHead: (source: HeaderSource) => RequestHead;
  /** The body as its JSON, or as json-body.ts says what else. */
  readonly readBody: (route: Route, bytes: Buffer) => unknown;
  readonly nextRequestId: () => string;
  readonly clientAddress: (remote: string, forwardedFor: string | undefined) => string;
  readonly corsOrigins: ReadonlySet<string>;
  /** In order of arrival. */
  readonly underWay: UnderWay<Exchange>;
  /** Takes over when head and body are there. */
  readonly dispatch: (exchange: Exchange) => void;
  /** Where they wait for that who come in crowds. */
  readonly intake: Intake;
  /** Called after each answer or abort. */
  readonly settled: () => void;
  /** Bytes that all bodies under way may wait in together, and do. */
  readonly waitingBytesMax: number;
  waitingBytes: number;
  /** True while the server stops: answers then close their connections. */
  closing: boolean;
}
