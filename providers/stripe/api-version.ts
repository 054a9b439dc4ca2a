/**
 * The Stripe API version that the adapter asks for and the sandbox answers in. The type of the installed SDK knows
 * one version only, so an SDK update does not compile until somebody has read the changes between the two.
 */
import type Stripe from 'stripe';

export const stripeApiVersion: typeof Stripe.API_VERSION = '2026-10-28.endive';
