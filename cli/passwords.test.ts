/** `upbeat passwords import`, as an operator uses it. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openPasswordFilter } from '../platform/modules/accounts/passwords/password-filter.ts'
import { upbeat } from '../tests/support/command-line.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'

const sha1 = (password: string) => createHash('sha1').update(password).digest()
const silent = { warn: () => {} }

test('a list of hashes or of passwords is refused from then on, each import in place of the one before', async () => {
  await using dir = await makeTemporaryDir()
  const [hashes, plain] = [join(dir.path, 'pwned.txt'), join(dir.path, 'own.plain.txt')]
  await writeFile(hashes, `${sha1('a leaked one').toString('hex')}:12\r\nno hash\r\n`)
  await writeFile(plain, 'the name of our town\n\nanother\n')
  const filter = openPasswordFilter(join(dir.path, 'breached-passwords.filter'), silent)

  const first = await upbeat(['passwords', 'import', hashes, '--data', dir.path])

  expect(first).toMatchObject({ code: 0, errors: '' })
  expect(first.output).toContain('1 passwords are refused from now on')
  expect(first.output).toContain('1 lines were no SHA-1')
  expect(await filter.mayHave(sha1('a leaked one'))).toBe(true)
  expect(await filter.mayHave(sha1('the name of our town'))).toBe(false)

  const second = await upbeat(['passwords', 'import', plain, '--json', '--data', dir.path])

  expect(JSON.parse(second.output)).toMatchObject({ entries: 2, falsePositiveRate: expect.any(Number) })
  expect(await filter.mayHave(sha1('the name of our town'))).toBe(true)
  expect(await filter.mayHave(sha1('a leaked one'))).toBe(false)
})

test('a list that is not there, is empty, or is not named is told, and what was imported stands', async () => {
  await using dir = await makeTemporaryDir()
  const [list, empty] = [join(dir.path, 'own.plain.txt'), join(dir.path, 'empty.txt')]
  await writeFile(list, 'the name of our town\n')
  await writeFile(empty, '')
  await upbeat(['passwords', 'import', list, '--data', dir.path])

  for (const operands of [['import', join(dir.path, 'none.txt')], ['import', empty], ['import'], []]) {
    const failed = await upbeat(['passwords', ...operands, '--data', dir.path])
    expect(failed.code).toBe(operands.length === 2 ? 1 : 2)
    expect(failed.errors).not.toBe('')
  }

  const filter = openPasswordFilter(join(dir.path, 'breached-passwords.filter'), silent)
  expect(await filter.mayHave(sha1('the name of our town'))).toBe(true)
})
