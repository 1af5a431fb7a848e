// A Go gateway whose calls go through gobreaker, with its defaults but for the wait.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/sony/gobreaker/v2"
)

var (
	client  = &http.Client{Timeout: 2 * time.Second}
	breaker = gobreaker.NewCircuitBreaker[float64](gobreaker.Settings{Timeout: 20 * time.Second})
)

func rate() (float64, error) {
	answer, err := client.Get(os.Getenv("RATES_URL") + "/rate")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the rates answered %d", answer.StatusCode)
	}
	var said struct{ Rate float64 }
	err = json.NewDecoder(answer.Body).Decode(&said)
	return said.Rate, err
}

func price(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	found, err := breaker.Execute(rate)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error": "no rates at the moment"}`)
		return
	}
	fmt.Fprintf(w, `{"price": %g}`, 100*found)
}

func main() {
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `"well"`) })
	http.HandleFunc("/price", price)
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
