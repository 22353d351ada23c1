import type { z } from 'zod';
import type { AnswerName, BodyName } from './components.js';

/** One request that the server answers, as its document tells of it. */
export interface Operation {
  readonly method: 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete' | 'options';
  /** With parameters in braces: `/v2/images/{id}`. */
  readonly path: string;
  /** Unique; generators of clients name their functions by it. */
  readonly id: string;
  readonly summary: string;
  readonly tag: Tag;
  /** Nobody has to say who is asking. */
  readonly isOpen?: true;
  readonly query?: readonly Parameter[];
  readonly headers?: readonly Parameter[];
  readonly body?: Body;
  /** By status; every other one, from 400 on, is a problem. */
  readonly answers: Readonly<Record<number, Answer>>;
}

export type Tag = 'Images' | 'Data' | 'Sharing' | 'Stores' | 'Imports' | 'Tasks' | 'Server';

export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly isRequired?: true;
  /** May be given several times. */
  readonly isRepeated?: true;
  /** Stands for any number of parameters of other names. */
  readonly isFree?: true;
}

export type Body =
  | { readonly json: BodyName; readonly types?: readonly string[] }
  /** Bytes of an image, of this media type. */
  | { readonly bytes: string };

export interface Answer {
  readonly description: string;
  readonly json?: AnswerName;
  /** Media type of an answer that is no JSON. */
  readonly type?: string;
  /** Headers that are always there. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const NO_CONTENT: Answer = { description: 'Done' };
