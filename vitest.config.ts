import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const EVERYWHERE = ['node_modules', 'web/build', 'web/.svelte-kit']

/** Two cores are what we count on, and each worker may talk to PostgreSQL and start ffmpeg. */
const MAX_WORKERS = 2

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: MAX_WORKERS,
    // Long: no test measures time, and a busy machine must not fail one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['**/*.test.ts'],
          exclude: [...EVERYWHERE, 'tests/e2e', 'web'],
          globalSetup: ['tests/support/database-setup.ts'],
        },
      },
      {
        extends: true,
        // Modules with runes (`.svelte.ts`) have to be compiled.
        plugins: [svelte({ configFile: false })],
        resolve: { conditions: ['browser'] },
        test: { name: 'web', include: ['web/**/*.test.ts'], exclude: EVERYWHERE },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 600_000,
        },
      },
    ],
  },
})
