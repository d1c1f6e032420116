import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashInlineScripts, policyFor } from './shell-adapter.ts'

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
