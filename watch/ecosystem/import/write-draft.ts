/** From a draft to a service's file on the disk, checked by the rules it will be read by, and never over another one. */
import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Document } from 'yaml'
import { describeFault, parseEntry } from '../../configuration/index.ts'
import { hasVariable, ImportError, type Draft, type LeftOut } from './draft.ts'

const LINE_WIDTH = 110

/**
 * The file's text.
 *
 * @throws {ImportError} when it would be refused where it is read
 */
export function renderDraft(draft: Draft, source: string, leftOut: readonly LeftOut[]): string {
  if (hasVariable(draft))
    throw new ImportError(
      `${source} holds \${…} in an address or a name, which would stand for a variable here.`,
    )
  const document = new Document(draft)
  document.commentBefore = [
    ` Imported from ${source}. watch/catalog/upbeat.yaml explains what else a service's file may say.`,
    ...(leftOut.length > 0 ? [' Not carried over:'] : []),
    ...leftOut.map(({ what, why }) => `   ${what}: ${why}`),
  ]
    .map((line) => line.replace(/[\r\n]+/g, ' '))
    .join('\n')
  const text = document.toString({ lineWidth: LINE_WIDTH })
  const { faults } = parseEntry(text, `${draft.id}.yaml`, {})
  if (faults)
    throw new ImportError(`It does not fit a service's file:\n${faults.map(describeFault).join('\n')}`)
  return text
}

/**
 * Puts the file in place whole, for its owner's eyes only: an export may hold passwords.
 *
 * @throws {ImportError} when there is a file of this name
 */
export async function writeDraft(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}.unfinished`
  try {
    await writeFile(unfinished, text, { mode: 0o600, flag: 'wx' })
    // Unlike a renamed file, a link refuses to take the place of another one.
    await link(unfinished, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new ImportError(
      `${path} exists already, and stays as it is. Move it away, or say another id: --id ID`,
      {
        cause: error,
      },
    )
  } finally {
    await rm(unfinished, { force: true })
  }
}
