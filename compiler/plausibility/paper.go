package plausibility

import "fmt"

// paper is Table 1 as the text of the comparison paper states it: how many of the criteria, in their order, each family meets,
// and whether the last of these is left out. The text does not say it of backpropagation and of predictive coding.
var paper = map[string][Count]bool{
	"hebb":         {true, true, true, true, true},
	"stdp":         {true, true, true, true, true},
	"perturbation": {true, true, true, true, false},
	"ff":           {true, true, true, false, false},
	"ep":           {true, true, true, false, false}, // "energy-based"
	"fa":           {true, true, false, false, false},
	"dfa":          {true, true, false, false, false}, // as feedback alignment
	"tp":           {true, true, false, false, false},
	"local":        {false, false, false, false, false},
}

// Paper returns what the paper says of a rule; ok is false where it is silent.
func Paper(rule string) (met [Count]bool, ok bool) {
	met, ok = paper[rule]
	return met, ok
}

// held says of each criterion what is so when nothing breaks it.
var held = [Count]string{
	"learning reads no learned matrix of the forward direction transposed, nor copies one",
	"every update depends on its own two layers and those beside them only",
	"nothing goes down a layer that an answer does not need as well",
	"all activity is bounded and not negative, so that spikes can carry it",
	"no update has an error of both signs",
}

// Differences are sentences, one for each criterion that the paper sees otherwise.
func (r *Report) Differences() []string {
	said, ok := Paper(r.Rule)
	if !ok {
		return nil
	}
	var all []string
	for i, v := range r.Verdicts {
		switch {
		case v.Met && !said[i]:
			all = append(all, fmt.Sprintf("%s, %s: the paper says no; here %s.", r.Rule, v.Criterion, held[i]))
		case !v.Met && said[i]:
			all = append(all, fmt.Sprintf("%s, %s: the paper says yes; here %s breaks it: %s.", r.Rule, v.Criterion, v.Op, v.Why))
		}
	}
	return all
}
