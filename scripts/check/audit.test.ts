import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findLoosePackages, readAdvisories } from './audit.ts'
import { REPOSITORY } from './steps.ts'

const locked = { resolved: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz', integrity: 'sha512-abc' }

test('packages are pinned, from the registry, and held to a hash', () => {
  expect(
    findLoosePackages({ dependencies: { a: '1.0.0' } }, { packages: { '': {}, 'node_modules/a': locked } }),
  ).toEqual([])
  expect(
    findLoosePackages(
      { dependencies: { a: '^1.0.0' } },
      {
        packages: {
          'node_modules/a': { ...locked, integrity: 'sha1-abc' },
          'node_modules/b': { ...locked, resolved: 'git+https://example.org/b.git' },
        },
      },
    ),
  ).toHaveLength(3)
})

test('of this repository every one is', async () => {
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(join(REPOSITORY, file), 'utf8'))
  expect(findLoosePackages(await read('package.json'), await read('package-lock.json'))).toEqual([])
})

test('only what is high or critical counts, and no answer is no all-clear', () => {
  const report = (severity: string) =>
    JSON.stringify({ vulnerabilities: { a: { name: 'a', severity, range: '<2.0.0' } } })
  expect(readAdvisories(report('critical'))).toEqual(['a <2.0.0: critical'])
  expect(readAdvisories(report('low'))).toEqual([])
  expect(readAdvisories('npm warn audit 405\n{"message":"405 Method Not Allowed"}')).toBeNull()
  expect(readAdvisories('')).toBeNull()
})
