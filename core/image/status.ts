import { BugError } from '../base/errors.js';
import type { ImageStatus } from './image.js';

/** Every allowed move of an image's status, with its reason. All others are refused. */
export const IMAGE_TRANSITIONS: readonly (readonly [ImageStatus, ImageStatus, string])[] = [
  ['queued', 'saving', 'PUT file began'],
  ['queued', 'uploading', 'PUT stage began'],
  ['queued', 'importing', 'an import that brings its own bytes began'],
  ['queued', 'active', 'a location was registered, or an empty image was sent'],
  ['queued', 'deleted', 'DELETE'],
  ['saving', 'active', 'PUT file was activated'],
  ['saving', 'uploading', 'PUT file failed after its bytes were acknowledged; they are kept'],
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

/** Staying where it is counts as allowed. @throws {BugError} `ILLEGAL_IMAGE_STATUS` */
export function assertImageTransition(from: ImageStatus, to: ImageStatus): void {
  if (from === to || IMAGE_TRANSITIONS.some(([a, b]) => a === from && b === to)) return;
  throw new BugError({
    code: 'ILLEGAL_IMAGE_STATUS',
    message: `An image cannot go from "${from}" to "${to}"`,
  });
}
