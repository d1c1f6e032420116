import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'
import { shellAdapter } from './build-tools/shell-adapter.ts'
import { nameOfSources } from './build-tools/sources.ts'

const webFolder = import.meta.dirname

export default defineConfig({
  root: webFolder,
  plugins: [
    sveltekit({
      adapter: shellAdapter({ outputFolder: `${webFolder}/build` }),
      compilerOptions: { runes: true, modernAst: true },
      paths: { relative: false },
      version: { name: nameOfSources(webFolder), pollInterval: 300_000 },
      // Registered by hand once the first video plays, so that it never competes with it.
      serviceWorker: { register: false },
    }),
  ],
  build: { target: 'es2022', reportCompressedSize: false },
  server: {
    proxy: {
      '/api': process.env.UPBEAT_API ?? 'http://127.0.0.1:8080',
      '/media': process.env.UPBEAT_API ?? 'http://127.0.0.1:8080',
    },
  },
})
