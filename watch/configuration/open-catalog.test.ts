import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../kit/log.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { openCatalog } from './open-catalog.ts'

const entry = (id: string, name: string) => `id: ${id}
name: ${name}
url: https://shop.example
features: [{ id: cart, name: Cart }]
`

async function openWorld() {
  const dir = await makeTemporaryDir()
  const services = join(dir.path, 'services')
  await mkdir(services)
  return {
    async write(file: string, text: string) {
      await writeFile(join(dir.path, file), text)
      await rename(join(dir.path, file), join(services, file))
    },
    remove: (file: string) => rm(join(services, file)),
    open: () =>
      openCatalog({
        files: [],
        dir: services,
        lastGoodDir: join(dir.path, 'last-good'),
        variables: {},
        log: createLog({ level: 'silent', base: {} }),
        lookAgainMs: 5,
      }),
    lastGood: () => readdir(join(dir.path, 'last-good')),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

test('a file that changes is read again, without a restart', async () => {
  await using world = await openWorld()
  await world.write('shop.yaml', entry('shop', 'Shop'))
  await using catalog = await world.open()
  const changes: number[] = []
  catalog.onChange(() => changes.push(catalog.services().length))

  await world.write('shop.yaml', entry('shop', 'The new shop'))
  await expect.poll(() => catalog.find('shop')?.name).toBe('The new shop')
  await world.write('bar.yaml', entry('bar', 'Bar'))
  await expect.poll(() => catalog.services().map(({ id }) => id)).toEqual(['bar', 'shop'])
  await world.remove('shop.yaml')
  await expect.poll(() => catalog.find('shop')).toBeUndefined()
  expect(changes).toEqual([1, 2, 1])
})

test('a wrong file keeps the last good one in force, also over a restart', async () => {
  await using world = await openWorld()
  await world.write('shop.yaml', entry('shop', 'Shop'))
  {
    await using catalog = await world.open()
    await world.write('shop.yaml', entry('shop', 'Shop').replace('features', 'feature'))
    await expect.poll(() => catalog.faults().length).toBeGreaterThan(0)
    expect(catalog.find('shop')?.name).toBe('Shop')
  }
  await using catalog = await world.open()
  expect(catalog.find('shop')?.name).toBe('Shop')
  expect(catalog.faults()[0]).toMatchObject({ file: 'shop.yaml', line: expect.any(Number) })

  await world.write('shop.yaml', entry('shop', 'Mended'))
  await expect.poll(() => catalog.faults()).toEqual([])
  expect(catalog.find('shop')?.name).toBe('Mended')
})

test('two files of one service: the first counts, and the second is a fault', async () => {
  await using world = await openWorld()
  await world.write('a.yaml', entry('shop', 'First'))
  await world.write('b.yaml', entry('shop', 'Second'))
  await using catalog = await world.open()
  expect(catalog.services().map(({ name }) => name)).toEqual(['First'])
  expect(catalog.faults()).toMatchObject([{ file: 'b.yaml', message: expect.stringContaining('a.yaml') }])
})
