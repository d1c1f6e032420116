import { expect, test } from 'vitest'
import { encode, signRequest } from './sign-request.ts'

const credentials = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const base = { region: 'us-east-1', at: new Date('2013-05-24T00:00:00Z') }
interface Example {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly bodySha256: string
  readonly signature: string
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The examples of the specification, with the signatures that it gives. */
test.each<Example>([
  {
    method: 'GET',
    url: '/test.txt',
    headers: { range: 'bytes=0-9' },
    bodySha256: EMPTY_SHA256,
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    method: 'PUT',
    url: '/test%24file.text',
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    bodySha256: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    method: 'GET',
    url: '/?lifecycle',
    headers: {},
    bodySha256: EMPTY_SHA256,
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    method: 'GET',
    url: '/?max-keys=2&prefix=J',
    headers: {},
    bodySha256: EMPTY_SHA256,
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
])('$method $url is signed as the specification’s example is', ({ signature, url, ...request }) => {
  const signed = signRequest(
    { ...base, ...request, url: new URL(url, 'https://examplebucket.s3.amazonaws.com') },
    credentials,
  )
  expect(signed['authorization']).toMatch(new RegExp(`Signature=${signature}$`))
})

test('what is no letter, digit, dash, dot, line or tilde is encoded', () => {
  expect(encode("a-b._~c/d e+f!'()*ü")).toBe('a-b._~c%2Fd%20e%2Bf%21%27%28%29%2A%C3%BC')
})
