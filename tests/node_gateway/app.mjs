// A gateway that is no WSGI application: two attempts a call (one of an order), and a breaker that counts attempts.
import http from 'node:http'

const { RATES_URL, PORT, THRESHOLD = 4, WAIT_MS = 3000, TIMEOUT_MS = 700, BACKOFF_MS = 400, ANYONE_TRIES } = process.env
const ATTEMPTS = 2
const NEUTRAL = 429

let failures = 0
let openUntil = 0
let onTrial = false

class Open extends Error {}
class Refused extends Error {}

async function attempt (method, path) {
  if (openUntil > 0) {
    if ((onTrial && !ANYONE_TRIES) || Date.now() < openUntil) throw new Open()
    onTrial = true
  }
  try {
    const answer = await fetch(`${RATES_URL}${path}`, { method, signal: AbortSignal.timeout(Number(TIMEOUT_MS)) })
    if (answer.status >= 500) throw new Error(`answered ${answer.status}`)
    if (answer.status === NEUTRAL) { onTrial = false; throw new Refused() }
    failures = 0
    openUntil = 0
    onTrial = false
    if (answer.status !== 200) throw new Refused()
    return (await answer.json()).rate
  } catch (error) {
    if (error instanceof Open || error instanceof Refused) throw error
    failures += 1
    if (onTrial || failures >= THRESHOLD) openUntil = Date.now() + Number(WAIT_MS)
    onTrial = false
    throw error
  }
}

async function rate (attempts, method, path) {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(method, path)
    } catch (error) {
      if (error instanceof Open || error instanceof Refused || number === attempts) throw error
      await new Promise(resolve => setTimeout(resolve, Number(BACKOFF_MS)))
    }
  }
}

http.createServer(async (request, response) => {
  response.setHeader('Content-Type', 'application/json')
  if (request.url === '/health') { response.end('"well"'); return }
  const orders = request.method === 'POST'
  const made = orders ? [1, 'POST', '/orders'] : [ATTEMPTS, 'GET', '/rate']
  if (request.url !== '/price' && !orders) { response.statusCode = 404; response.end('{}'); return }
  try {
    response.end(JSON.stringify({ price: 100 * await rate(...made) }))
  } catch {
    response.statusCode = 503
    response.end('{"error": "no rates at the moment"}')
  }
}).listen(PORT, '127.0.0.1')
