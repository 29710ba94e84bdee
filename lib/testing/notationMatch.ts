import type { Written, WrittenEvent, WrittenItem, WrittenOutcome } from './notationText.ts';
import { canonical, isMarked } from './notationWrite.ts';

/**
 * Whether a value, given as all that can be said of it, agrees with what was written.
 * With `strict` what was not written must not be there; the order of items never counts.
 */
export function agrees(actual: Written, written: Written, strict: boolean): boolean {
  switch (written.type) {
    case 'state':
      return actual.type === 'state' && sameItems(actual.items, written.items, sameValue);
    case 'outcome':
      return (
        actual.type === 'outcome' && sameOutcome(actual, written, strict) && agrees(actual.event, written.event, strict)
      );
    case 'resync':
      return actual.type === 'resync' && actual.reason === written.reason && sameResync(actual, written, strict);
    case 'change':
      return actual.type === 'change' && actual.coalesced === written.coalesced && sameChange(actual, written, strict);
  }
}

/** What of the actual value is worth showing beside what was written: only the kinds of detail that the latter has. */
export function inTheManner(actual: Written, written: Written, strict: boolean): Written {
  if (strict || actual.type === 'state') return actual;
  if (actual.type === 'outcome') {
    if (written.type !== 'outcome') return actual;
    const { keys, message, ...rest } = actual;
    const event = inTheManner(actual.event, written.event, strict) as WrittenEvent;
    const kept = {
      ...(written.keys && keys && { keys }),
      ...(written.message !== undefined && message !== undefined && { message }),
    };
    return { ...rest, event, ...kept };
  }
  if (actual.type !== written.type) return actual;
  const hasPrevious = isDiff(written.items) || written.items.some(({ previous }) => previous !== undefined);
  const hasRevisions = written.items.some(({ revision }) => revision !== undefined);
  const items = actual.items.map(({ revision, previous, ...item }): WrittenItem => {
    const detail = {
      ...(hasPrevious && previous && { previous }),
      ...(hasRevisions && revision !== undefined && { revision }),
    };
    return { ...item, ...detail };
  });
  if (actual.type === 'change' || hasPrevious) return { ...actual, items };
  return { ...actual, items: items.filter(({ mark }) => mark !== '!').map((item) => ({ ...item, mark: '' })) };
}

function isDiff(items: readonly WrittenItem[]): boolean {
  return isMarked(items, '!', '+', '=');
}

type Same = (actual: WrittenItem, written: WrittenItem) => boolean;

function sameItems(actual: readonly WrittenItem[], written: readonly WrittenItem[], same: Same): boolean {
  const byKey = new Map(actual.map((item) => [item.key, item]));
  if (actual.length !== written.length || byKey.size !== actual.length) return false;
  return written.every((item) => {
    const other = byKey.get(item.key);
    return other !== undefined && same(other, item);
  });
}

function sameResync(actual: WrittenEvent, written: WrittenEvent, strict: boolean): boolean {
  if (actual.revision !== written.revision) return false;
  const marked = isDiff(written.items) || written.items.some(({ previous }) => previous !== undefined);
  const here = ({ mark }: WrittenItem): boolean => mark !== '!';
  const gone = ({ mark }: WrittenItem): boolean => mark === '!';
  const same: Same = (a, b) => {
    if (!sameBody(a, b, strict) || !sameRevision(a, b, written.revision, strict)) return false;
    if (!('value' in b) || !(marked || strict)) return true;
    if (b.previous !== undefined) return a.previous !== undefined && samePrevious(a, b);
    return a.mark === (b.mark || (marked ? '=' : '+'));
  };
  if (!sameItems(actual.items.filter(here), written.items.filter(here), same)) return false;
  const sameGone: Same = (a, b) => (b.previous === undefined && !strict) || samePrevious(a, b);
  return !(marked || strict) || sameItems(actual.items.filter(gone), written.items.filter(gone), sameGone);
}

function sameChange(actual: WrittenEvent, written: WrittenEvent, strict: boolean): boolean {
  const same: Same = (a, b) => {
    if ((a.mark === '!') !== (b.mark === '!') || !sameBody(a, b, strict)) return false;
    if (!b.rejected && !sameRevision(a, b, written.revision, strict)) return false;
    return (b.previous === undefined && b.mark !== '+' && !strict) || samePrevious(a, b);
  };
  return actual.revision === written.revision && sameItems(actual.items, written.items, same);
}

function sameOutcome(actual: WrittenOutcome, written: WrittenOutcome, strict: boolean): boolean {
  if (actual.outcome !== written.outcome) return false;
  const sameMessage = (written.message === undefined && !strict) || actual.message === written.message;
  const keys = (of: WrittenOutcome): string => canonical(of.keys && [...of.keys].sort());
  return sameMessage && ((written.keys === undefined && !strict) || keys(actual) === keys(written));
}

/** The value, and whether it was rejected; `x:?` leaves open whether there was a good value before. */
function sameBody(actual: WrittenItem, written: WrittenItem, strict: boolean): boolean {
  if (actual.rejected !== written.rejected) return false;
  return (written.rejected && !('value' in written) && !strict) || sameValue(actual, written);
}

function sameValue(actual: WrittenItem, written: WrittenItem): boolean {
  return 'value' in actual === 'value' in written && canonical(actual.value) === canonical(written.value);
}

function samePrevious(actual: WrittenItem, written: WrittenItem): boolean {
  return canonical(actual.previous?.value) === canonical(written.previous?.value);
}

function sameRevision(actual: WrittenItem, written: WrittenItem, ofEvent: number, strict: boolean): boolean {
  if (!('value' in written) && written.mark !== '!') return true;
  return (written.revision === undefined && !strict) || actual.revision === (written.revision ?? ofEvent);
}
