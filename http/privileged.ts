/**
 * Which requests change something by the rights of an organizer or admin, and what the audit log is told of them. It is told
 * before they are done: one that cannot be written down is not done.
 */
import type { PrivilegedAct } from '../engine/operator.ts';
import type { AnyCall, Route } from './route.ts';

/** Null: everybody may do that with what is theirs. */
export function privilegedAct(route: Route, { user, params, body, requestId }: AnyCall): PrivilegedAct | null {
  if (user === null || route.method === 'GET') return null;
  const isPrivileged =
    route.who === 'organizer' || route.who === 'admin' || (route.reachesOthers === true && user.role !== 'user');
  if (!isPrivileged) return null;
  return {
    actorId: user.id,
    action: `${route.method} ${route.path}`,
    subject: Object.values(params ?? {}).join(' '),
    details: { request_id: requestId, ...plainFields(body) },
  };
}

/** Without lists and objects: access codes are among those, and are nobody's to read. */
function plainFields(body: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(body ?? {}).filter(([, value]) => typeof value !== 'object'));
}
