/** Which zone, with what is left of each. */
import type { Zone } from '../api/shapes.ts';
import { money, say } from '../language/words.ts';

/** Below this share of its capacity a zone has only a few left. */
const fewShare = 0.05;

export function isForSale(zone: Zone): boolean {
  return zone.kind === 'general' && zone.available > 0;
}

export function leftWords({ kind, available, held, capacity }: Zone): string {
  if (kind === 'seated') return say('event.numbered');
  if (available === 0) return say(held > 0 ? 'event.allHeld' : 'event.soldOut');
  return say(available <= capacity * fewShare ? 'event.few' : 'event.left', { count: available });
}

interface ZoneChoiceProps {
  readonly zones: readonly Zone[];
  readonly chosenId: string | null;
  readonly choose: (zoneId: string) => void;
}

export function ZoneChoice({ zones, chosenId, choose }: ZoneChoiceProps) {
  return (
    <fieldset class="zones">
      <legend>{say('event.zones')}</legend>
      {zones.map((zone) => (
        <ZoneRow key={zone.id} zone={zone} chosen={zone.id === chosenId} choose={() => choose(zone.id)} />
      ))}
      <p class="hint live">{say('event.live')}</p>
    </fieldset>
  );
}

interface ZoneRowProps {
  readonly zone: Zone;
  readonly chosen: boolean;
  readonly choose: () => void;
}

function ZoneRow({ zone, chosen, choose }: ZoneRowProps) {
  const disabled = !isForSale(zone);
  const few = !disabled && zone.available <= zone.capacity * fewShare;
  return (
    <label class={`zone${disabled ? ' zone-disabled' : ''}`}>
      <input type="radio" name="zone" value={zone.id} checked={chosen} disabled={disabled} onChange={choose} />
      <span class="zone-name">{zone.name}</span>
      <span class="zone-price">{money(zone.price, zone.currency)}</span>
      <span class={`zone-left${few ? ' zone-few' : ''}`}>{leftWords(zone)}</span>
      <span class="zone-bar" aria-hidden="true">
        <span style={{ '--share': zone.kind === 'seated' ? 0 : zone.available / Math.max(1, zone.capacity) }} />
      </span>
    </label>
  );
}
