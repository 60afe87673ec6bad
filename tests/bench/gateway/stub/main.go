// Command stub stands for a model: it answers every request at once, or is as slow as its arguments say.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"time"
)

var answer = []byte(`{"outputs":{"label":[7]}}`)

func main() {
	after := flag.Duration("after", 0, "how long one answer takes")
	atOnce := flag.Int("at-once", 1000, "how many it works on at once; others wait")
	flag.Parse()
	turns := make(chan struct{}, *atOnce)
	log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if *after > 0 {
			turns <- struct{}{}
			time.Sleep(*after)
			<-turns
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})))
}
