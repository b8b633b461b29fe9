"""TFLite graphs: conversion, quantization, inspection, diagnosis."""
