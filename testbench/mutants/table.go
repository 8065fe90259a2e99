package main

// Mutants is the table of planted defects.
var Mutants = []Mutant{}
