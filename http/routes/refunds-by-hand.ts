/** Refunds that a provider leaves to a person: declared here once the money is sent. */
import { z } from 'zod';
import { defineRoute, type Route } from '../route.ts';

const declare = defineRoute({
  method: 'POST',
  path: '/api/v1/admin/bookings/:id/refund-by-hand',
  area: 'Operators',
  summary:
    'Declare that the money which this booking’s saga owes was sent by hand, because its provider has no call for it',
  who: 'admin',
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ reference: z.string().min(1).max(200).describe('what finds the transfer again') }),
  answers: { 200: z.object({ booking_id: z.uuid() }) },
  refusals: ['INVALID_STATE', 'SERVICE_UNAVAILABLE'],
  async handle(call, { declareRefund, logger }) {
    const { id } = call.params;
    const { reference } = call.body;
    const outcome = await declareRefund(id, reference);
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    logger.info({ booking_id: id, reference, admin: call.user.id }, 'a refund was declared to be sent by hand');
    call.reply(200, { booking_id: id });
  },
});

export const handRefundRoutes: readonly Route[] = [declare];
