import { RejectedError, diskProperties } from '../../core/api.js';
import type { ImagePatch, ImportTask, TaskContext, TaskResult, TaskView } from '../../core/api.js';
import { correctedFormat, isMismatch } from './format-match.js';
import type { IntrospectConfig } from './introspect-config.js';

/** Publishes the facts of the inspection and judges the declared `disk_format` by them. */
export class IntrospectTask implements ImportTask {
  constructor(private readonly config: IntrospectConfig) {}

  skipReason({ data }: TaskView): string | undefined {
    if (data === undefined) return 'The import holds no bytes';
    return data.size === 0 ? 'The image is empty' : undefined;
  }

  execute(context: TaskContext): Promise<TaskResult> {
    const { data, image } = context;
    if (data === undefined) return Promise.resolve({});
    const { inspection } = data;
    const draft: ImagePatch = {
      ...this.#judge(context),
      ...(this.config.properties ? { properties: diskProperties(inspection, image) } : {}),
    };
    const output = {
      format: inspection.format,
      subformat: inspection.subformat,
      declared: image.diskFormat,
      notes: inspection.findings.map(
        ({ rule, message, relaxed }) =>
          `${rule}${relaxed === true ? ' (relaxed)' : ''}: ${message}`,
      ),
    };
    return Promise.resolve({ draft, output });
  }

  /** @throws {RejectedError} `FORMAT_MISMATCH` */
  #judge({ data, image, log }: TaskContext): ImagePatch {
    if (data === undefined || this.config.mismatch === 'ignore') return {};
    const { inspection } = data;
    if (!isMismatch(image, inspection)) return {};
    const { diskFormat } = image;
    const corrected = correctedFormat(inspection);
    if (this.config.mismatch === 'correct' && corrected !== undefined) {
      log.info('The declared disk_format was corrected', { declared: diskFormat, corrected });
      return { diskFormat: corrected };
    }
    throw new RejectedError({
      code: 'FORMAT_MISMATCH',
      message: `The data is "${inspection.format}", and disk_format says "${diskFormat ?? ''}"`,
      hint:
        corrected === undefined
          ? `Unpack or convert the image: "${inspection.format}" cannot be a disk_format`
          : `Set disk_format to "${corrected}" if that is what you meant to send, and import again`,
      details: { declared: diskFormat, found: inspection.format },
    });
  }
}
