/** `upbeat releases`: code and documents that are on trial, in force or in quarantine. */
import type { ReleasesState } from '../contract/releases.ts'
import { RELEASE_KINDS } from '../platform/releases/index.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import type { Command } from './arguments.ts'
import { documentWords } from './release-document.ts'
import { settingsOf } from './settings.ts'
import { instantInWords } from './times.ts'

export const showReleases: Command = async (given) => {
  const state = await askDesk(settingsOf(given).dataDir, { command: 'releases' })
  if (given.isJson) console.log(JSON.stringify(state, null, 2))
  else for (const line of describe(state, new Date())) console.log(line)
  return 0
}

function* describe(
  { code, codeInForce, documents, inForce, quarantined }: ReleasesState,
  now: Date,
): Generator<string> {
  yield code
    ? `code           ${code.label}: ${code.phase}, ${code.detail}`
    : 'code           nothing was released since the start'
  const [runs] = codeInForce
  yield runs
    ? `               ${runs.label} runs since ${instantInWords(runs.promotedAt, now)}`
    : '               the code that was started runs'
  for (const { name } of RELEASE_KINDS) {
    const good = inForce.find(({ kind }) => kind === name)
    yield good
      ? `${name.padEnd(14)} ${good.hash.slice(0, 12)} since ${instantInWords(good.promotedAt, now)}`
      : `${name.padEnd(14)} the code's own defaults`
  }
  if (documents.length > 0) yield 'lately:'
  for (const release of documents)
    yield `  ${instantInWords(release.startedAt, now)}  ${release.kind} ${release.hash?.slice(0, 12) ?? ''} ${documentWords(release)}`
  if (quarantined.length > 0) yield 'in quarantine:'
  for (const { kind, hash, reason, at } of quarantined)
    yield `  ${instantInWords(at, now)}  ${kind} ${hash.slice(0, 12)} ${reason}`
}
