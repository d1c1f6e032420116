import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { listFirstLoad, listNotKept } from './first-load.ts'

const folders: string[] = []
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })))

function makeBuild(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'upbeat-build-'))
  folders.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

test('the first load is what the shell names and imports at once, each file counted once', () => {
  const folder = makeBuild({
    'shell.html':
      '<link href="/_app/immutable/nodes/0.js" rel="modulepreload"><script>import("/_app/immutable/entry/start.js")</script>',
    '_app/immutable/entry/start.js':
      'import{a as b}from"../chunks/first.js";import"../chunks/side-effect.js";b()',
    '_app/immutable/nodes/0.js': 'export{a as component}from"../chunks/first.js";',
    '_app/immutable/chunks/first.js':
      'const later=()=>import("./later.js");export const a="import x from \'./no.js\'"',
    '_app/immutable/chunks/side-effect.js': 'run()',
    '_app/immutable/chunks/later.js': 'export const large=1',
  })
  const scripts = listFirstLoad(folder)
  expect(scripts.map(({ path }) => path).sort()).toEqual([
    '_app/immutable/chunks/first.js',
    '_app/immutable/chunks/side-effect.js',
    '_app/immutable/entry/start.js',
    '_app/immutable/nodes/0.js',
  ])
  expect(scripts.find(({ path }) => path.endsWith('side-effect.js'))?.gzipBytes).toBe(
    gzipSync('run()', { level: 9 }).length,
  )
})

test('a shell without scripts is no shell', () => {
  expect(() => listFirstLoad(makeBuild({ 'shell.html': '<p>nothing</p>' }))).toThrow('names no scripts')
})

test('what the service worker finds too large is named, by its size on the line', () => {
  const folder = makeBuild({
    '_app/immutable/chunks/a.js': 'x'.repeat(500),
    '_app/immutable/chunks/a.js.br': 'x'.repeat(100),
    '_app/immutable/chunks/b.js': 'x'.repeat(500),
    '_app/immutable/chunks/b.js.br': 'x'.repeat(101),
  })
  expect(listNotKept(folder, 100)).toEqual(['chunks/b.js'])
})
