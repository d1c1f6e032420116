import { spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

let home: string

afterEach(() => rm(home, { recursive: true, force: true }))

test('installs the programs that a fresh machine lacks, and asks for no more once they are there', async () => {
  home = await machineWithNothing()

  const first = await setUp('run')
  expect(first).toMatchObject({ code: 0 })
  expect(await aptCalls()).toEqual(['install -y --no-install-recommends ffmpeg'])

  expect(await setUp('run')).toMatchObject({ code: 0 })
  expect(await aptCalls()).toHaveLength(1)
})

test('asks for the package lists first where the machine has none', async () => {
  home = await machineWithNothing()
  await writeFile(join(home, 'no-lists'), '')

  expect(await setUp('run')).toMatchObject({ code: 0 })
  expect(await aptCalls()).toEqual([
    'install -y --no-install-recommends ffmpeg',
    'update',
    'install -y --no-install-recommends ffmpeg',
  ])
})

test('tells what to install where it cannot', async () => {
  home = await machineWithNothing()
  await rm(join(home, 'bin', 'apt-get'))

  const { code, output } = await setUp('run')
  expect(code).toBe(1)
  expect(output).toContain("Upbeat needs ffmpeg. Install it with this system's package manager")
})

/** A checkout whose npm packages are there, on a machine whose only programs are a package manager and npm. */
async function machineWithNothing(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'upbeat-set-up-'))
  await Promise.all(
    ['scripts', 'node_modules', 'web', 'contract', 'bin'].map((name) => mkdir(join(dir, name))),
  )
  await copyFile(join(import.meta.dirname, 'set-up.mjs'), join(dir, 'scripts', 'set-up.mjs'))
  const lock = JSON.stringify({ packages: { '': { name: 'upbeat' } } })
  await writeFile(join(dir, 'package.json'), '{}')
  await writeFile(join(dir, 'package-lock.json'), lock)
  await writeFile(join(dir, 'node_modules', '.package-lock.json'), lock)
  await program(dir, 'npm', 'exit 0')
  await program(dir, 'sudo', 'shift; exec "$@"')
  await program(
    dir,
    'apt-get',
    `echo "$*" >> '${dir}/apt.log'
case "$1" in
  update) /bin/rm -f '${dir}/no-lists' ;;
  install)
    [ ! -e '${dir}/no-lists' ] || exit 100
    for name in ffmpeg ffprobe; do : > '${dir}/bin/'$name; done
    /bin/chmod +x '${dir}/bin/ffmpeg' '${dir}/bin/ffprobe' ;;
esac`,
  )
  return dir
}

async function program(dir: string, name: string, body: string): Promise<void> {
  const path = join(dir, 'bin', name)
  await writeFile(path, `#!/bin/sh\n${body}\n`)
  await chmod(path, 0o755)
}

async function aptCalls(): Promise<string[]> {
  return (await readFile(join(home, 'apt.log'), 'utf8')).trim().split('\n')
}

function setUp(purpose: 'run' | 'check'): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = ''
    const child = spawn(process.execPath, [join(home, 'scripts', 'set-up.mjs'), purpose], {
      env: { PATH: join(home, 'bin') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
