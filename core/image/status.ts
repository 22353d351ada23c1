import { ConflictError } from '../base/errors.js';
import type { ImageStatus } from './image.js';

/** Every allowed move of an image's status, with its reason. All others are refused. */
export const IMAGE_TRANSITIONS: readonly (readonly [ImageStatus, ImageStatus, string])[] = [
  ['queued', 'saving', 'PUT file began'],
  ['queued', 'uploading', 'PUT stage began'],
  ['queued', 'importing', 'an import that brings its own bytes began'],
  ['queued', 'active', 'a location was registered, or an empty image was sent'],
  ['queued', 'deleted', 'DELETE'],
  ['saving', 'active', 'PUT file was activated'],
  ['saving', 'importing', 'PUT file was staged and goes through the whole pipeline'],
  ['saving', 'queued', 'PUT file failed'],
  ['saving', 'deleted', 'DELETE'],
  ['uploading', 'importing', 'an import of the staged bytes began'],
  ['uploading', 'queued', 'PUT stage failed, or the staged bytes expired'],
  ['uploading', 'deleted', 'DELETE'],
  ['importing', 'active', 'the import was activated'],
  ['importing', 'uploading', 'the import failed on our side; the staged bytes are kept'],
  ['importing', 'queued', 'the import failed; no staged bytes are kept'],
  ['importing', 'deleted', 'DELETE'],
  ['active', 'deactivated', 'deactivate'],
  ['active', 'deleted', 'DELETE'],
  ['deactivated', 'active', 'reactivate'],
  ['deactivated', 'deleted', 'DELETE'],
];

/** @throws {ConflictError} `ILLEGAL_IMAGE_STATUS` when the table has no such move. */
export function assertImageTransition(from: ImageStatus, to: ImageStatus): void {
  if (IMAGE_TRANSITIONS.some(([a, b]) => a === from && b === to)) return;
  throw new ConflictError({
    code: 'ILLEGAL_IMAGE_STATUS',
    message: `An image cannot go from "${from}" to "${to}"`,
    hint: 'Look at the image again: its status has changed',
  });
}
