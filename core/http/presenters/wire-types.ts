import { z } from 'zod';

/** What values look like in answers; the presenters' schemas, and the API's document, are made of it. */

export const BYTES = z.int().nonnegative();
export const COUNT = z.int().nonnegative();
export const UUID = z.guid();
/** UTC with whole seconds, as {@link presentTime} writes it. */
export const TIME = z.iso.datetime({ precision: 0 });
/** UTC with milliseconds, in what is Stowage's own. */
export const EXACT_TIME = z.iso.datetime({ precision: 3 });
/** Path on this server, with its query. */
export const PATH = z.string().regex(/^\//);
export const TEXTS = z.array(z.string()).readonly();
/** Free of form: what plugins and callers have put there. */
export const JSON_OBJECT = z.looseObject({});
