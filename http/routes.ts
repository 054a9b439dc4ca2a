/**
 * The whole surface as one table. A new route is one entry in the file of its area; validation, authorization, rate
 * limits, /api/openapi.json and /api/docs come out of the entry.
 */
import type { Route } from './route.ts';
import { accountRoutes } from './routes/accounts.ts';
import { adminRoutes } from './routes/admin.ts';
import { bookingRoutes } from './routes/bookings.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { clusterRoutes } from './routes/cluster.ts';
import { documentation } from './routes/documentation.ts';
import { operations } from './routes/operations.ts';
import { paymentRoutes } from './routes/payments.ts';
import { queueRoutes } from './routes/queue.ts';
import { refundRoutes } from './routes/refunds.ts';
import { handRefundRoutes } from './routes/refunds-by-hand.ts';
import { reservationRoutes } from './routes/reservations.ts';
import { ticketRoutes } from './routes/tickets.ts';

const product: readonly Route[] = [
  ...accountRoutes,
  ...catalogueRoutes,
  ...queueRoutes,
  ...reservationRoutes,
  ...bookingRoutes,
  ...paymentRoutes,
  ...refundRoutes,
  ...handRefundRoutes,
  ...ticketRoutes,
  ...adminRoutes,
  ...clusterRoutes,
  ...operations,
];

export const routes: readonly Route[] = [...product, ...documentation(product)];
