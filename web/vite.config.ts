import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'
import { shellAdapter } from './build-tools/shell-adapter.ts'
import { leaveOutSerializer } from './build-tools/leave-out-serializer.ts'
import { nameOfSources } from './build-tools/sources.ts'

const webFolder = import.meta.dirname

/**
 * What For You needs, in one file: on a phone's network thirty small files cost more than one of their size. What only
 * other pages or rare cases need stays apart.
 */
const FIRST_ROUTE =
  /\/src\/lib\/(?:ids|(?:api|feed|i18n|outbox|player|preferences|session|ui|updates|version)\/.*|service\/service\.svelte|upload\/(?:caption-tags|limits|tasks))\./
const NOT_FIRST =
  /hls-js-stream|updates\/(?:live-stream|gap-watch|wants)|outbox\/(?:outbox|storage)|comment|sheet|dialog|single-video|video-grid|text-field|tabs\.svelte|progress-bar|ui\/(?:skeleton|slow-words|switch|more-icons|keys-texts)|ui\/page\.svelte|\.css$|app-manifest/

/** The Host stays the browser's: the API takes writes from its own pages only. */
const api = { target: process.env.UPBEAT_API ?? 'http://127.0.0.1:8080', changeOrigin: false }

export default defineConfig({
  root: webFolder,
  plugins: [
    leaveOutSerializer(),
    sveltekit({
      adapter: shellAdapter({ outputFolder: `${webFolder}/build` }),
      compilerOptions: { runes: true, modernAst: true },
      paths: { relative: false },
      version: { name: nameOfSources(webFolder), pollInterval: 300_000 },
      // Registered by hand once the first video plays, so that it never competes with it.
      serviceWorker: { register: false },
    }),
  ],
  environments: {
    client: {
      build: {
        rolldownOptions: {
          output: {
            codeSplitting: {
              groups: [
                // SvelteKit's entry sets the build's name here before any other code runs: it must stand alone.
                {
                  name: 'payload',
                  test: /runtime\/client\/payload\.js|vite\/(?:preload-helper|modulepreload)/,
                  priority: 1,
                },
                { name: 'first', test: (id: string) => FIRST_ROUTE.test(id) && !NOT_FIRST.test(id) },
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
