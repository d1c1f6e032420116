/** Packages of others: each is pinned and known by its hash, and none has a known weakness, as far as the registry can be asked. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { execute, REPOSITORY, type Count, type Step } from './steps.ts'

const ASK_TIMEOUT_MS = 30_000
const REGISTRY = 'https://registry.npmjs.org/'
const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      link: z.boolean().optional(),
    }),
  ),
})
const Report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({ name: z.string(), severity: z.string(), range: z.string() }),
  ),
})

/** What is wrong with how packages are named: needs no network. */
export function findLoosePackages(manifest: unknown, lock: unknown): string[] {
  const { dependencies, devDependencies, optionalDependencies } = Manifest.parse(manifest)
  const named = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
  const unpinned = named
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${name} is not pinned to one version: ${version}`)
  const loose = Object.entries(Lock.parse(lock).packages)
    // The first entry is the repository itself; its own workspaces are links or have no address.
    .filter(([path, one]) => path.includes('node_modules/') && !one.link)
    .flatMap(([path, { resolved, integrity }]) => {
      // Without an address of its own it is the registry's.
      if (resolved !== undefined && !resolved.startsWith(REGISTRY))
        return [`${path} comes from ${resolved}, not from the registry`]
      return integrity?.startsWith('sha512-') ? [] : [`${path} is not held to a SHA-512`]
    })
  return [...unpinned, ...loose]
}

/** Weaknesses that matter (high, critical); null: the answer is none. */
export function readAdvisories(output: string): string[] | null {
  try {
    const { vulnerabilities } = Report.parse(JSON.parse(output.slice(output.indexOf('{'))))
    return Object.values(vulnerabilities)
      .filter(({ severity }) => severity === 'high' || severity === 'critical')
      .map(({ name, severity, range }) => `${name} ${range}: ${severity}`)
  } catch {
    return null
  }
}

/** The step; without a registry that can be asked it says that new weaknesses are unknown, and fails nothing. */
export const auditPackages: Step = {
  name: 'packages of others',
  async run(say): Promise<Count> {
    const read = async (file: string): Promise<unknown> =>
      JSON.parse(await readFile(join(REPOSITORY, file), 'utf8'))
    const problems = findLoosePackages(await read('package.json'), await read('package-lock.json'))
    const asked = await execute('npm', ['audit', '--json', '--omit=dev'], { timeoutMs: ASK_TIMEOUT_MS })
    const advisories = readAdvisories(asked.output)
    if (advisories === null)
      say(
        'The registry can not be asked for advisories: whether a package has a weakness that became known is unknown.\n',
      )
    for (const problem of [...problems, ...(advisories ?? [])]) say(`${problem}\n`)
    const failed = problems.length + (advisories?.length ?? 0)
    return { passed: failed === 0 ? 1 : 0, failed, skipped: 0 }
  },
}
