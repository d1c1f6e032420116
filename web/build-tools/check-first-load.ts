/**
 * Fails when the built app outgrows what it may cost: the scripts before the first frame, and files that the service
 * worker would not keep although pages need them without a server.
 *
 *   node web/build-tools/check-first-load.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_KEPT_CODE_BYTES } from '../src/service-worker/rules.ts'
import { FIRST_LOAD_MAX_BYTES, listFirstLoad, listNotKept } from './first-load.ts'

const BUILD = join(import.meta.dirname, '..', 'build')
/** The one rare case: browsers that play HLS neither by themselves nor by our own player. */
const IS_RARE = /loadSource/

const scripts = listFirstLoad(BUILD)
const totalBytes = scripts.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0)
const tooLarge = listNotKept(BUILD, MAX_KEPT_CODE_BYTES).filter(
  (file) => !IS_RARE.test(readFileSync(join(BUILD, '_app', 'immutable', file), 'utf8')),
)

for (const { path, gzipBytes } of scripts) console.log(`${String(gzipBytes).padStart(7)} ${path}`)
console.log(`${String(totalBytes).padStart(7)} of ${FIRST_LOAD_MAX_BYTES} bytes before the first frame, gzip`)
for (const file of tooLarge)
  console.log(`${file} is larger than the ${MAX_KEPT_CODE_BYTES} bytes that the service worker keeps.`)
if (totalBytes > FIRST_LOAD_MAX_BYTES || tooLarge.length > 0) process.exitCode = 1
