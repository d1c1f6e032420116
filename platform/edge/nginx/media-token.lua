-- Checks the token in front of a private video's path as modules/videos/media-urls.ts makes it: four bytes of expiry and
-- their HMAC-SHA-256 with the video's id. The arithmetic is OpenSSL's, which nginx is linked with.
local ffi = require 'ffi'
ffi.cdef [[
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *evp_md, const void *key, int key_len, const unsigned char *data, size_t data_len,
                      unsigned char *md, unsigned int *md_len);
  int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]]
local MAC_BYTES = 32
local MAX_AGE_S = 31536000
local mac, mac_length = ffi.new('unsigned char[?]', MAC_BYTES), ffi.new('unsigned int[1]')

-- A player asks for hundreds of segments by one token: what was found genuine is remembered, in two halves of which the older
-- one goes when the younger is full. Nothing that was refused takes room here.
local KEPT_MAX = 2048
local young, old, young_count = {}, {}, 0

local function remember(pass, expires_at)
  if young_count >= KEPT_MAX then young, old, young_count = {}, young, 0 end
  local known = { expires_at = expires_at, left = 0, said = nil }
  young[pass] = known
  young_count = young_count + 1
  return known
end

local M = {}
local secret
local seconds = ngx.time
local TOKEN_LENGTH = 48

-- The key by which tokens are made.
function M.open(path)
  local file = assert(io.open(path))
  secret = file:read('*a'):gsub('%s+$', '')
  file:close()
end

-- When the token ends, in seconds since 1970; nil: it is none for this video.
local function expiry_of(token, video_id)
  local plain = token:gsub('-', '+'):gsub('_', '/')
  local bytes = ngx.decode_base64(plain)
  -- Bytes have several spellings in base64; only one is taken, so that caches hold one copy.
  if not bytes or #bytes ~= 4 + MAC_BYTES or ngx.encode_base64(bytes) ~= plain then return nil end
  local expiry = bytes:sub(1, 4)
  local message = 'media-token\0' .. video_id .. expiry
  ffi.C.HMAC(ffi.C.EVP_sha256(), secret, #secret, message, #message, mac, mac_length)
  if ffi.C.CRYPTO_memcmp(mac, bytes:sub(5), MAC_BYTES) ~= 0 then return nil end
  local a, b, c, d = expiry:byte(1, 4)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- What caches are told, for as long as the token is good; '': it is not. `pass` is the token, a slash, and the video's id:
-- one string, since each that is read from nginx or made anew costs as much as all the rest.
function M.cache_control(pass)
  local known = young[pass] or old[pass]
  if not known then
    local expires_at = expiry_of(pass:sub(1, TOKEN_LENGTH), pass:sub(TOKEN_LENGTH + 2))
    if not expires_at then return '' end
    known = remember(pass, expires_at)
  end
  local left = known.expires_at - seconds()
  if left <= 0 then return '' end
  if left ~= known.left then
    known.left = left
    known.said = 'private, max-age=' .. math.min(left, MAX_AGE_S) .. ', immutable'
  end
  return known.said
end

return M
