import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'
import { shellAdapter } from './build-tools/shell-adapter.ts'
import { groupFirstRoute } from './build-tools/first-route.ts'
import { FIELDS, leaveOut } from './build-tools/leave-out.ts'
import { nameOfSources } from './build-tools/sources.ts'

const webFolder = import.meta.dirname
const build = nameOfSources(webFolder)

/** The Host stays the browser's: the API takes writes from its own pages only. */
const api = { target: process.env.UPBEAT_API ?? 'http://127.0.0.1:8080', changeOrigin: false }

/**
 * What pages after the first one share. The first one names each file that it may fetch later: notes of a few lines each go with
 * the rest.
 */
const COMMON =
  /\/src\/lib\/(?:(?:api|i18n|ui)\/(?!base\.css)|service\/(?:words|service-note|feed-note|regions)\.|feed\/(?:ages|placeholder|stale-note)\.|accounts-ui\/sign-in-paused\.|session\/(?:follow-session|sign-in-dialog)\.)/

export default defineConfig({
  root: webFolder,
  plugins: [
    leaveOut(),
    sveltekit({
      adapter: shellAdapter({ outputFolder: `${webFolder}/build`, build }),
      compilerOptions: { runes: true, modernAst: true },
      paths: { relative: false },
      version: { name: build, pollInterval: 300_000 },
      // Registered by hand once the first video plays, so that it never competes with it.
      serviceWorker: { register: false },
    }),
  ],
  environments: {
    client: {
      build: {
        rolldownOptions: {
          preserveEntrySignatures: 'allow-extension',
          output: {
            codeSplitting: {
              groups: [
                // SvelteKit's entry sets the build's name here before any other code runs: it must stand alone.
                {
                  name: 'payload',
                  test: /runtime\/client\/payload\.js|vite\/(?:preload-helper|modulepreload)/,
                  priority: 1,
                },
                // Svelte is one barrel: what only forms of other pages use of it would come along.
                {
                  name: 'fields',
                  test: FIELDS,
                  priority: 1,
                  includeDependenciesRecursively: false,
                },
                { name: groupFirstRoute(webFolder) },
                { name: 'common', test: COMMON },
              ],
            },
          },
        },
      },
    },
  },
  build: { target: 'es2022', reportCompressedSize: false },
  server: {
    proxy: { '/api': api, '/media': api },
  },
})
