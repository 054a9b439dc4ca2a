/** Taking back what one command did to a zone of engine/zone.ts: the model of lua/undo_batch.lua. */
import type { Hold, Zone, ZoneCommand } from '../../engine/zone.ts';

/** A command that was applied, and the hold of its booking as it was before. */
export interface Effect {
  readonly command: ZoneCommand;
  readonly before: Hold | null;
}

export function takeBack(zone: Zone, { command, before }: Effect): void {
  switch (command.kind) {
    case 'reserve':
      zone.holds.delete(command.bookingId);
      zone.event.keys.delete(command.key);
      zone.held -= command.quantity;
      giveBack(zone, command.userId, command.quantity);
      break;
    case 'reacquire':
      zone.sold -= command.quantity;
      giveBack(zone, command.userId, command.quantity);
      break;
    case 'refund':
      zone.sold += command.quantity;
      zone.available -= command.quantity;
      break;
    case 'write-off':
      break;
    default:
      if (before) restoreHold(zone, command.kind, before);
  }
}

function restoreHold(zone: Zone, kind: 'extend' | 'confirm' | 'cancel' | 'expire', hold: Hold): void {
  zone.holds.set(hold.bookingId, hold);
  if (kind === 'extend') return;
  zone.held += hold.quantity;
  if (kind === 'confirm') zone.sold -= hold.quantity;
  else zone.available -= hold.quantity;
}

function giveBack(zone: Zone, userId: string, seats: number): void {
  zone.available += seats;
  const left = (zone.event.seatsOfUser.get(userId) ?? 0) - seats;
  if (left > 0) zone.event.seatsOfUser.set(userId, left);
  else zone.event.seatsOfUser.delete(userId);
}
