// A Node gateway whose calls go through opossum, with its defaults but for waits and a least number.
import http from 'node:http'
import CircuitBreaker from 'opossum'

async function askForRate () {
  const answer = await fetch(`${process.env.RATES_URL}/rate`)
  if (!answer.ok) throw new Error(`the rates answered ${answer.status}`)
  return (await answer.json()).rate
}

const rates = new CircuitBreaker(askForRate, { timeout: 2000, resetTimeout: 20000, volumeThreshold: 6 })

async function price (response) {
  try {
    response.end(JSON.stringify({ price: 100 * await rates.fire() }))
  } catch {
    response.statusCode = 503
    response.end(JSON.stringify({ error: 'no rates at the moment' }))
  }
}

http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json')
  if (request.url === '/health') response.end('"well"')
  else if (request.url === '/price') price(response)
  else { response.statusCode = 404; response.end('{}') }
}).listen(process.env.PORT, '127.0.0.1')
