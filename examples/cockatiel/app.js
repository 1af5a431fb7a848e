// A Node gateway that retries with cockatiel, inside a breaker of cockatiel's that counts calls in a row.
import http from 'node:http'
import {
  circuitBreaker, ConsecutiveBreaker, ConstantBackoff, handleAll, retry, timeout, TimeoutStrategy, wrap
} from 'cockatiel'

const policy = wrap(
  circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(4) }),
  retry(handleAll, { maxAttempts: 1, backoff: new ConstantBackoff(300) }),
  timeout(1500, TimeoutStrategy.Aggressive)
)

async function askForRate ({ signal }) {
  const answer = await fetch(`${process.env.RATES_URL}/rate`, { signal })
  if (answer.status >= 500) throw new Error(`the rates answered ${answer.status}`)
  return (await answer.json()).rate
}

async function price (response) {
  try {
    response.end(JSON.stringify({ price: 100 * await policy.execute(askForRate) }))
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
