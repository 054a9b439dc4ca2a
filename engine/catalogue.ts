/**
 * What is for sale: the words and the port. Only published events are shown; times are epoch milliseconds. Counts of
 * seats are read from the truth and may be a batch behind the gate.
 */

/** `on_sale`: some show can be bought now; `upcoming`: none yet, but later; `ended`: none any more. */
export type SaleStatus = 'on_sale' | 'upcoming' | 'ended';

export interface Category {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

export interface CatalogueEvent {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly venueName: string;
  readonly city: string;
  readonly country: string;
  /** Slug of its category. */
  readonly category: string | null;
  readonly saleStatus: SaleStatus;
  /** Null while it has no show. */
  readonly firstShowAtMs: number | null;
  readonly maxPerUser: number;
  readonly waitingRoom: string;
}

export interface Show {
  readonly id: string;
  readonly eventId: string;
  readonly name: string;
  readonly startsAtMs: number;
  readonly saleStartAtMs: number;
  readonly saleEndAtMs: number;
}

export interface Zone {
  readonly id: string;
  readonly eventId: string;
  readonly showId: string;
  readonly name: string;
  readonly kind: 'general' | 'seated';
  readonly priceMinor: number;
  readonly currency: string;
  readonly capacity: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly blocked: number;
}

/** The terms on which a zone is sold, as the hot path needs them. */
export interface SaleZone {
  readonly eventId: string;
  readonly showId: string;
  readonly zoneId: string;
  readonly kind: 'general' | 'seated';
  readonly priceMinor: number;
  readonly currency: string;
  readonly maxPerUser: number;
  readonly saleStartMs: number;
  readonly saleEndMs: number;
  /** Mode of the event's waiting room; `off`: nobody needs a pass. */
  readonly waitingRoom: string;
  readonly published: boolean;
}

export interface EventFilter {
  /** Part of the name, the venue or the city; null: all. */
  readonly search: string | null;
  /** Slug of a category; null: all. */
  readonly category: string | null;
  readonly saleStatus: SaleStatus | null;
  readonly nowMs: number;
}

/** Where a list goes on: the last event of the page before. */
export interface EventPlace {
  /** Null: it has no show. */
  readonly firstShowAtMs: number | null;
  readonly id: string;
}

/** Events in order of their first show, those without one last. */
export interface EventPage {
  readonly filter: EventFilter;
  readonly limit: number;
  readonly from: { readonly after: EventPlace | null } | { readonly offset: number };
}

export interface Catalogue {
  listEvents(page: EventPage): Promise<readonly CatalogueEvent[]>;
  countEvents(filter: EventFilter): Promise<number>;
  /** By slug or id. Null: no such event, or not published. */
  findEvent(slugOrId: string, nowMs: number): Promise<CatalogueEvent | null>;
  /** Null: no such event, or not published. */
  listShows(slugOrId: string): Promise<readonly Show[] | null>;
  /** Null: no such show, or its event is not published. */
  listZones(showId: string): Promise<readonly Zone[] | null>;
  listCategories(): Promise<readonly Category[]>;
  /** The terms of those of the zones that exist, in any order; published or not. */
  findSaleZones(zoneIds: readonly string[]): Promise<readonly SaleZone[]>;
}
