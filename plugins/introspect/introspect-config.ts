import { z } from '../../core/api.js';

export const IntrospectConfig = z.strictObject({
  mismatch: z
    .enum(['refuse', 'correct', 'ignore'])
    .default('refuse')
    .describe('What happens when the data is not of the declared disk_format'),
  properties: z
    .boolean()
    .default(true)
    .describe('Publish what the image says of itself as image properties'),
});
export type IntrospectConfig = z.output<typeof IntrospectConfig>;
