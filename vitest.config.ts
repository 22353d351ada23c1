import path from 'node:path';
import { defineConfig } from 'vitest/config';

const fromRoot = (file: string): string => path.join(import.meta.dirname, file);

export default defineConfig({
  resolve: {
    // Plugins outside node_modules are transformed like sources, and get the copy under test.
    alias: [
      { find: /^stowage\/plugin$/, replacement: fromRoot('core/api.ts') },
      { find: /^stowage\/plugin\/testing$/, replacement: fromRoot('core/plugin/testing/index.ts') },
    ],
  },
  test: {
    setupFiles: ['./test/setup.ts'],
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['{core,plugins}/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/{architecture,contract,integration}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [
            // Minutes, root and loop devices: `npm run test:faults`.
            ...(process.env['STOWAGE_FAULTS'] === 'all' ? [] : ['test/e2e/faults/**']),
            // A browser: `npm run test:browser`.
            ...(process.env['STOWAGE_BROWSER'] === 'yes' ? [] : ['test/e2e/browser/**']),
          ],
          globalSetup: ['./test/e2e/build.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'services',
          include: ['test/services/**/*.test.ts'],
          // Ceph, RabbitMQ, MariaDB and Cinder, and ten minutes: `npm run test:storage`.
          exclude: process.env['STOWAGE_STORAGE'] === 'yes' ? [] : ['test/services/storage/**'],
          globalSetup: ['./test/e2e/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
