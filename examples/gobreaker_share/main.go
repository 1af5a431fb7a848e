// A Go gateway whose breaker opens by a share of all that came since it closed: its Interval is 0.
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
	breaker = gobreaker.NewCircuitBreaker[float64](gobreaker.Settings{
		Timeout: 3 * time.Second,
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			failed := float64(counts.TotalFailures) / float64(counts.Requests)
			return counts.Requests >= 6 && failed >= 0.6
		},
	})
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
