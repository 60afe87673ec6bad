// Renders a chart that lies in Envoy Gateway's module: `chart FOLDER VERSION NAMESPACE < values.json` prints its objects as a
// JSON list. It is what `helm template` does, without the rest of helm, which would take a minute more to compile.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

// The module has the values as its release fills them in: ${GatewayImage} and the like, which our own values replace.
const unfilledValues = "values.tmpl.yaml"

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: chart FOLDER VERSION NAMESPACE < values.json"))
	}
	objects, err := render(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fail(fmt.Errorf("%s: %w", os.Args[1], err))
	}
	if err := json.NewEncoder(os.Stdout).Encode(objects); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func render(folder, version, namespace string) ([]map[string]any, error) {
	loaded, err := loader.LoadDir(folder)
	if err != nil {
		return nil, err
	}
	loaded.Metadata.Version, loaded.Metadata.AppVersion = version, version
	if err := fillValues(loaded, folder); err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := json.NewDecoder(os.Stdin).Decode(&values); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	if err := chartutil.ProcessDependenciesWithMerge(loaded, values); err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "eg", Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(loaded, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(loaded, all)
	if err != nil {
		return nil, err
	}
	return objectsOf(files)
}

func fillValues(loaded *chart.Chart, folder string) error {
	if len(loaded.Values) > 0 {
		return nil
	}
	// Read here, since the chart's .helmignore names it.
	text, err := os.ReadFile(filepath.Join(folder, unfilledValues))
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, &loaded.Values)
}

func objectsOf(files map[string]string) ([]map[string]any, error) {
	objects := []map[string]any{}
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			continue
		}
		for _, document := range releaseutil.SplitManifests(text) {
			object := map[string]any{}
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if len(object) > 0 {
				objects = append(objects, object)
			}
		}
	}
	return objects, nil
}
