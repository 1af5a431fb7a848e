import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A Java gateway whose calls go through resilience4j, with shorter numbers than its defaults. */
public final class Gateway {
    private static final Pattern RATE = Pattern.compile("\"rate\": *([0-9.]+)");
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();
    private static final HttpRequest REQUEST =
            HttpRequest.newBuilder(URI.create(System.getenv("RATES_URL") + "/rate"))
                    .timeout(Duration.ofSeconds(2))
                    .build();
    private static final CircuitBreaker BREAKER = CircuitBreaker.of("rates",
            CircuitBreakerConfig.custom()
                    .slidingWindowSize(20)
                    .minimumNumberOfCalls(10)
                    .failureRateThreshold(50)
                    .waitDurationInOpenState(Duration.ofSeconds(10))
                    .permittedNumberOfCallsInHalfOpenState(3)
                    .build());

    private static double rate() throws Exception {
        HttpResponse<String> answer = CLIENT.send(REQUEST, HttpResponse.BodyHandlers.ofString());
        Matcher said = RATE.matcher(answer.body());
        if (answer.statusCode() != 200 || !said.find()) {
            throw new IOException("the rates answered " + answer.statusCode());
        }
        return Double.parseDouble(said.group(1));
    }

    private static void price(HttpExchange exchange) throws IOException {
        Callable<Double> guarded = CircuitBreaker.decorateCallable(BREAKER, Gateway::rate);
        try {
            answer(exchange, 200, "{\"price\": " + 100 * guarded.call() + "}");
        } catch (Exception error) {
            answer(exchange, 503, "{\"error\": \"no rates at the moment\"}");
        }
    }

    private static void answer(HttpExchange exchange, int status, String json) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, json.length());
        exchange.getResponseBody().write(json.getBytes());
        exchange.close();
    }

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/health", exchange -> answer(exchange, 200, "\"well\""));
        server.createContext("/price", Gateway::price);
        server.start();
    }
}
