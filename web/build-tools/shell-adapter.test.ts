import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashInlineScripts, hashInlineStyles, nameClient, policyFor } from './shell-adapter.ts'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

test('each inline script is allowed by the hash of exactly its text, and files need none', () => {
  const html = '<script>\n  a()\n</script><script src="/b.js"></script><script type="module">c()</script>'
  expect(hashInlineScripts(html)).toEqual([hashOf('\n  a()\n'), hashOf('c()')])
})

test('the policy allows no script but ours, and no page to frame it', () => {
  const policy = policyFor([hashOf('a()')])
  expect(policy).toContain(`script-src 'self' ${hashOf('a()')};`)
  expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  expect(policy).toContain("frame-ancestors 'none'")
})

test('a sheet that somebody puts into the page is refused: only ours, by its hash', () => {
  const [hash] = hashInlineStyles('<head><style>a{}</style></head>')
  expect(hash).toMatch(/^'sha256-[\w+/]{43}='$/)
  expect(hashInlineStyles('<style>b{}</style>')).not.toEqual([hash])
  const policy = policyFor([], [hash!])
  expect(policy).toContain(`style-src-elem 'self' ${hash};`)
  expect(/script-src[^;]*/.exec(policy)![0]).not.toContain('unsafe')
})

test('the shell names its build, and a shell that has no place for it is no build', () => {
  expect(nameClient("x = '%upbeat.client%'", 'abc')).toMatch(/^x = 'web\/\d+ abc'$/)
  expect(() => nameClient('<head></head>', 'abc')).toThrow('no place')
})
